#include <gtest/gtest.h>

#include "http/message.h"

namespace toll::http {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

Response ask(const Headers& headers, Method method = Method::get, std::string tag = "\"v1\"") {
  Request request;
  request.method = method;
  for (const auto& [name, value] : headers) request.fields.add(name, value);
  Response full;
  full.fields.add("ETag", tag);
  full.fields.add("Last-Modified", "Wed, 01 Jan 2025 12:00:00 GMT");
  full.body = "0123456789";
  return apply_conditions(request, full);
}

TEST(IfNoneMatch, with_the_tag_in_its_list_is_not_modified) {
  for (const char* list : {"\"v1\"", "W/\"v1\"", "*", " * ", "\"a\", \"v1\"", "\"a,b\" ,W/\"v1\",\"c\""}) {
    const auto answer = ask({{"If-None-Match", list}});
    EXPECT_EQ(answer.status, 304) << list;
    EXPECT_EQ(answer.fields.get("ETag"), "\"v1\"");
    EXPECT_EQ(answer.body, "");
  }
  for (const char* list : {"", "\"v2\"", "v1", "\"v1", "\"a,\"v1", "\"v\", \"1\""})
    EXPECT_EQ(ask({{"If-None-Match", list}}).status, 200) << list;
  EXPECT_EQ(ask({{"If-None-Match", "\"a\""}, {"If-None-Match", "\"v1\""}}).status, 304) << "two fields are one list";
}

TEST(IfNoneMatch, goes_before_the_range) {
  EXPECT_EQ(ask({{"Range", "bytes=0-1"}, {"If-None-Match", "\"v1\""}}).status, 304);
}

TEST(Range, gives_the_part) {
  struct Case {
    const char *range, *content_range, *body;
  };
  for (const auto& [range, content_range, body] :
       {Case{"bytes=0-0", "bytes 0-0/10", "0"}, Case{"bytes=2-4", "bytes 2-4/10", "234"},
        Case{"bytes=7-", "bytes 7-9/10", "789"}, Case{"bytes=7-99", "bytes 7-9/10", "789"},
        Case{"bytes=-3", "bytes 7-9/10", "789"}, Case{"bytes=-99", "bytes 0-9/10", "0123456789"},
        Case{"Bytes= 2-4 ", "bytes 2-4/10", "234"}, Case{"bytes=8-99999999999999999999999", "bytes 8-9/10", "89"}}) {
    const auto answer = ask({{"Range", range}});
    EXPECT_EQ(answer.status, 206) << range;
    EXPECT_EQ(answer.fields.get("Content-Range"), content_range);
    EXPECT_EQ(answer.fields.get("Accept-Ranges"), "bytes");
    EXPECT_EQ(answer.body, body);
  }
  EXPECT_EQ(ask({{"Range", "bytes=2-4"}}, Method::head).status, 206);
}

TEST(Range, beyond_the_end_is_not_satisfiable) {
  for (const char* range : {"bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"}) {
    const auto answer = ask({{"Range", range}});
    EXPECT_EQ(answer.status, 416) << range;
    EXPECT_EQ(answer.fields.get("Content-Range"), "bytes */10");
    EXPECT_EQ(answer.body, "");
  }
}

TEST(Range, that_is_invalid_or_not_one_gets_the_whole) {
  for (const char* range : {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "bytes=4-2", "bytes=1-2-3",
                            "bytes=+1-2", "lines=1-2", "bytes=0-1,3-4", "bytes=0-1, -1", "bytes=1- 2"}) {
    const auto answer = ask({{"Range", range}});
    EXPECT_EQ(answer.status, 200) << range;
    EXPECT_EQ(answer.body, "0123456789");
    EXPECT_EQ(answer.fields.get("Accept-Ranges"), "bytes");
  }
}

TEST(IfRange, holds_for_the_same_strong_tag_or_date_only) {
  const auto status = [](const char* condition, std::string tag = "\"v1\"") {
    return ask({{"Range", "bytes=0-1"}, {"If-Range", condition}}, Method::get, tag).status;
  };
  EXPECT_EQ(status("\"v1\""), 206);
  EXPECT_EQ(status("\"v2\""), 200);
  EXPECT_EQ(status("W/\"v1\""), 200);
  EXPECT_EQ(status("W/\"v1\"", "W/\"v1\""), 200);
  EXPECT_EQ(status("Wed, 01 Jan 2025 12:00:00 GMT"), 206);
  EXPECT_EQ(status("Wed, 01 Jan 2025 12:00:01 GMT"), 200);
}

TEST(Conditions, leave_other_answers_alone) {
  EXPECT_EQ(ask({{"Range", "bytes=0-1"}, {"If-None-Match", "*"}}, Method::post).status, 200);
  Request request;
  request.fields.add("If-None-Match", "*");
  Response missing;
  missing.status = 404;
  EXPECT_EQ(apply_conditions(request, missing).status, 404);
}

TEST(Range, of_nothing_is_not_satisfiable) {
  Request request;
  request.fields.add("Range", "bytes=-5");
  EXPECT_EQ(apply_conditions(request, Response{}).status, 416);
}

TEST(Slice, takes_from_every_kind_of_segment) {
  FileSlice file;
  file.offset = 100;
  file.length = 10;
  SourceSlice source;
  source.length = 10;
  const std::vector<Segment> all{std::string("abc"), file, source};
  EXPECT_EQ(length_of(all), 23u);
  const auto parts = slice(all, 2, 15);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(std::get<std::string>(parts[0]), "c");
  EXPECT_EQ(std::get<FileSlice>(parts[1]).offset, 100u);
  EXPECT_EQ(std::get<SourceSlice>(parts[2]).length, 4u);
  EXPECT_EQ(std::get<FileSlice>(slice(all, 5, 3)[0]).offset, 102u);
  EXPECT_TRUE(slice(all, 23, 5).empty());
}

TEST(Fields, take_their_own_text_and_much_of_it) {
  Fields fields;
  fields.add("A", "first");
  for (int i = 0; i < 200; ++i) fields.add("Name-" + std::to_string(i), std::string(40, 'x'));
  for (int i = 0; i < 200; ++i) fields.add("Copy", fields.get("A"));
  EXPECT_EQ(fields.count("copy"), 200u);
  fields.set("A", fields.get("Name-7"));
  EXPECT_EQ(fields.get("a"), std::string(40, 'x'));
  fields.set("COPY", "one");
  EXPECT_EQ(fields.count("Copy"), 1u);
  const Fields copy = std::move(fields);
  EXPECT_EQ(copy.get("Copy"), "one");
}

TEST(Fields, compare_names_without_case_and_keep_their_order) {
  Fields fields;
  fields.add("Accept", "a");
  fields.add("ACCEPT", "b");
  fields.add("Host", "h");
  EXPECT_EQ(fields.get("accept"), "a");
  EXPECT_EQ(fields.count("Accept"), 2u);
  fields.set("accept", "c");
  EXPECT_EQ(fields.count("Accept"), 1u);
  fields.set("New", "n");
  std::string names;
  for (const auto& [name, value] : fields) names.append(name).append("=").append(value).append(" ");
  EXPECT_EQ(names, "Accept=c Host=h New=n ");
  fields.clear();
  EXPECT_EQ(fields.find("Host"), std::nullopt);
  fields.add("X", "y");
  EXPECT_EQ(fields.get("x"), "y");
}

}  // namespace
}  // namespace toll::http
