#include "http/multipart.h"

#include <gtest/gtest.h>

namespace toll::http {
namespace {

struct Part {
  PartHead head;
  std::string data;
  bool ended = false;
};

// Feeds `body` in pieces that end at `cuts`. nullopt: malformed_multipart.
std::optional<std::vector<Part>> parse(std::string_view body, std::vector<std::size_t> cuts = {},
                                       const std::string& boundary = "XyZ") {
  MultipartParser parser(boundary);
  std::vector<Part> parts;
  cuts.push_back(body.size());
  std::size_t from = 0;
  for (const std::size_t to : cuts) {
    const std::string piece(body.substr(from, to - from));  // its own memory: a view beyond it shows under ASan
    from = to;
    auto events = parser.feed(piece);
    if (!events) {
      EXPECT_EQ(events.error().reason(), Reason::malformed_multipart);
      return std::nullopt;
    }
    for (auto& event : *events) {
      if (event.kind == MultipartParser::Event::part_begin) parts.push_back({event.head, "", false});
      if (event.kind == MultipartParser::Event::part_data) parts.back().data += event.data;
      if (event.kind == MultipartParser::Event::part_end) parts.back().ended = true;
    }
  }
  if (!parser.finish()) return std::nullopt;
  return parts;
}

std::string describe(const std::vector<Part>& parts) {
  std::string all;
  for (const auto& part : parts)
    all += part.head.name + "|" + part.head.filename.value_or("(none)") + "|" + part.head.content_type + "|" +
           part.data + (part.ended ? "|end\n" : "|open\n");
  return all;
}

std::string one_part(const std::string& head, const std::string& data = "d") {
  return "--XyZ\r\n" + head + "\r\n\r\n" + data + "\r\n--XyZ--\r\n";
}

std::optional<std::string> filename_of(const std::string& parameters) {
  auto parts = parse(one_part("Content-Disposition: form-data; name=\"f\"; " + parameters));
  if (!parts) return "(malformed)";
  return parts->at(0).head.filename;
}

const std::string sample =
    "preamble\r\n--Xy is none\r\n--XyZ  \t\r\n"
    "Content-Disposition: form-data; name=\"text\"\r\n\r\n"
    "two\r\nlines\r\n--Xy\r\r\n--XY\r\n"
    "\r\n--XyZ\r\n"
    "content-disposition:form-data;name=file ; filename=\"a b.wav\"\r\nContent-Type: audio/wav\r\nX-Other: 1\r\n\r\n"
    "\r\n\r\n-\r\n--\r\n--XyzZ\r"
    "\r\n--XyZ\r\n"
    "Content-Disposition: form-data; name=\"empty\"; filename=\"\"\r\n\r\n"
    "\r\n--XyZ--\r\nepilogue --XyZ\r\n";
const std::string sample_parts =
    "text|(none)||two\r\nlines\r\n--Xy\r\r\n--XY\r\n|end\n"
    "file|a b.wav|audio/wav|\r\n\r\n-\r\n--\r\n--XyzZ\r|end\n"
    "empty|||"
    "|end\n";

TEST(Multipart, gives_the_same_parts_however_it_is_cut) {
  ASSERT_EQ(describe(parse(sample).value()), sample_parts);
  for (std::size_t i = 0; i <= sample.size(); ++i)
    for (std::size_t k = i; k <= sample.size(); k += i % 7 + 1)
      ASSERT_EQ(describe(parse(sample, {i, k}).value()), sample_parts) << i << " " << k;
  std::vector<std::size_t> everywhere;
  for (std::size_t i = 1; i < sample.size(); ++i) everywhere.push_back(i);
  EXPECT_EQ(describe(parse(sample, everywhere).value()), sample_parts);
}

TEST(Multipart, shows_data_where_it_lies) {
  MultipartParser parser("XyZ");
  ASSERT_TRUE(parser.feed("--XyZ\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n"));
  const std::string piece(100'000, 'x');
  const auto events = parser.feed(piece);
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ(events->at(0).data.data(), piece.data());
  EXPECT_EQ(events->at(0).data.size(), piece.size());
}

TEST(Multipart, without_parts_is_well_formed) {
  EXPECT_EQ(parse("--XyZ--")->size(), 0u);
  EXPECT_EQ(parse("\r\n--XyZ--\r\n")->size(), 0u);
}

TEST(Multipart, undoes_what_clients_do_to_file_names) {
  EXPECT_EQ(filename_of(R"(filename="a.wav")"), "a.wav");
  EXPECT_EQ(filename_of(R"(filename=a.wav)"), "a.wav");
  EXPECT_EQ(filename_of(R"(filename="say \"hi\".wav")"), R"(say "hi".wav)");
  EXPECT_EQ(filename_of(R"(filename="say %22hi%22 100%.wav")"), R"(say "hi" 100%.wav)");
  EXPECT_EQ(filename_of(R"(filename="C:\music\a.wav")"), R"(C:\music\a.wav)");
  EXPECT_EQ(filename_of(R"(filename="C:\\music\\")"), R"(C:\music\)");
  EXPECT_EQ(filename_of(R"(filename="a;b=c.wav")"), "a;b=c.wav");
  EXPECT_EQ(filename_of("filename=\"Grüße 日本.wav\""), "Grüße 日本.wav");
  EXPECT_EQ(filename_of("filename=\"\""), "");
  EXPECT_EQ(filename_of("x=y"), std::nullopt);
}

TEST(Multipart, prefers_the_extended_file_name) {
  EXPECT_EQ(filename_of("filename=\"fallback.wav\"; filename*=utf-8''na%C3%AFve%20file.wav"), "naïve file.wav");
  EXPECT_EQ(filename_of("filename*=UTF-8'en'%e2%82%ac.wav; filename=\"fallback.wav\""), "€.wav");
  EXPECT_EQ(filename_of("filename=\"fallback.wav\"; filename*=iso-8859-1''%A3.wav"), "fallback.wav");
}

TEST(Multipart, that_is_broken_is_refused) {
  const std::string disposition = "Content-Disposition: form-data; name=\"f\"";
  ASSERT_TRUE(parse(one_part(disposition)));
  for (const std::string& bad : {
           std::string(""),
           std::string("no boundary at all"),
           std::string("--XyZ"),
           std::string("--XyZ\r\n"),
           std::string("--XyZ-"),
           std::string("--XyZ-x"),
           std::string("--XyZ \r"),
           "--XyZmore\r\n" + disposition + "\r\n\r\n\r\n--XyZ--",
           "--XyZ\n" + disposition + "\r\n\r\n\r\n--XyZ--",
           "--XyZ\r\n" + disposition + "\r\n\r\ndata",
           "--XyZ\r\n" + disposition + "\r\n\r\ndata\r\n--XyZ\r\n",
           "--XyZ\r\n" + disposition + "\r\n\r\ndata\n--XyZ--",
           one_part(""),
           one_part("X: y"),
           one_part("Content-Disposition: form-data"),
           one_part("Content-Disposition: attachment; name=\"f\""),
           one_part("Content-Disposition: form-data; name=\"f"),
           one_part("Content-Disposition: form-data; name=f g"),
           one_part("Content-Disposition: form-data name=f"),
           one_part("Content-Disposition: form-data; name"),
           one_part("Content-Disposition: form-data; name=\"a\"; name=\"b\""),
           one_part(disposition + "\r\n" + disposition),
           one_part(disposition + "\r\n folded"),
           one_part(disposition + "\r\nno colon"),
           one_part(disposition + "\r\n: empty"),
           one_part(disposition + "; filename=\"\xff\""),
           one_part(disposition + "; filename=\"a\nb\""),
           one_part(disposition + "; filename=\"a" + std::string(1, '\0') + "b\""),
           one_part(disposition + "; filename*=utf-8''%zz"),
           one_part(disposition + "; filename*=utf-8''%ff"),
           one_part(disposition + "; filename*=nothing"),
       }) {
    EXPECT_FALSE(parse(bad)) << bad;
    std::vector<std::size_t> everywhere;
    for (std::size_t i = 1; i < bad.size(); ++i) everywhere.push_back(i);
    EXPECT_FALSE(parse(bad, everywhere)) << bad;
  }
}

TEST(Multipart, has_a_limit_for_heads_and_for_parts) {
  const std::string disposition = "Content-Disposition: form-data; name=\"f\"";
  const std::string start = disposition + "\r\nX: ";
  const std::size_t room = MultipartParser::max_head - start.size() - 2;  // CRLF before the first line counts
  EXPECT_TRUE(parse(one_part(start + std::string(room, 'x'))));
  EXPECT_FALSE(parse(one_part(start + std::string(room + 1, 'x'))));
  std::string many;
  for (std::size_t i = 0; i < MultipartParser::max_parts; ++i) many += "--XyZ\r\n" + disposition + "\r\n\r\n\r\n";
  EXPECT_EQ(parse(many + "--XyZ--")->size(), MultipartParser::max_parts);
  EXPECT_FALSE(parse(many + "--XyZ\r\n" + disposition + "\r\n\r\n\r\n--XyZ--"));
}

TEST(Multipart, stays_broken) {
  MultipartParser parser("XyZ");
  EXPECT_FALSE(parser.feed("--XyZ?"));
  EXPECT_FALSE(parser.feed("--XyZ--"));
  EXPECT_FALSE(parser.finish());
}

TEST(MultipartBoundary, is_read_as_clients_write_it) {
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(multipart_boundary("Multipart/Form-Data;charset=utf-8; Boundary=\"a b:c?\""), "a b:c?");
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW"),
            "----WebKitFormBoundary7MA4YWxkTrZu0gW");
  for (const char* bad :
       {"", "multipart/form-data", "multipart/mixed; boundary=abc",
        "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"", "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=\"a\rb\"", "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary=\"a",
        "multipart/form-data; boundary=12345678901234567890123456789012345678901234567890123456789012345678901"})
    EXPECT_EQ(multipart_boundary(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace toll::http
