#include "api/download.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/digest.h"

namespace toll::api {
namespace {

class TextReader final : public blob::Reader {
 public:
  TextReader(std::string text, std::uint64_t claimed) : text_(std::move(text)), claimed_(claimed) {}
  std::uint64_t size() const override { return claimed_; }
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    const auto n = std::min<std::size_t>(out.size(), text_.size() - std::min<std::size_t>(offset, text_.size()));
    std::memcpy(out.data(), text_.data() + offset, n);
    return n;
  }

 private:
  std::string text_;
  std::uint64_t claimed_;
};

ZipEntry entry(std::string name, std::string text, std::uint64_t claimed = 0) {
  const auto size = claimed ? claimed : text.size();
  return {std::move(name), size, crc32(text), std::make_shared<TextReader>(std::move(text), size)};
}

// Header segments only: texts of the archive without the contents of its files.
std::vector<std::string> texts(const std::vector<http::Segment>& segments) {
  std::vector<std::string> out;
  for (const auto& segment : segments)
    if (const auto* text = std::get_if<std::string>(&segment)) out.push_back(*text);
  return out;
}

std::uint64_t number(std::string_view bytes, std::size_t at, int width) {
  std::uint64_t out = 0;
  for (int i = width - 1; i >= 0; --i)
    out = out << 8 | static_cast<unsigned char>(bytes.at(at + static_cast<std::size_t>(i)));
  return out;
}

TEST(Zip, small_archives_use_the_plain_format_with_right_offsets) {
  auto segments = zip_archive({entry("a.wav", "hello"), entry("b.wav", "world!")}, from_micros(1735732801'000000));
  const auto total = http::length_of(segments);
  const auto parts = texts(segments);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(number(parts[0], 0, 4), 0x04034b50u);
  EXPECT_EQ(number(parts[0], 14, 4), crc32("hello"));
  EXPECT_EQ(number(parts[0], 18, 4), 5u);
  const auto& tail = parts[2];
  const auto end = tail.size() - 22;
  EXPECT_EQ(number(tail, end, 4), 0x06054b50u);
  EXPECT_EQ(number(tail, end + 10, 2), 2u);
  EXPECT_EQ(number(tail, end + 16, 4), total - tail.size()) << "the directory begins where the files end";
  EXPECT_EQ(number(tail, end + 12, 4) + 22, tail.size());
}

TEST(Zip, large_entries_and_far_offsets_get_zip64_fields) {
  constexpr std::uint64_t big = 5ull << 30;
  const auto parts = texts(zip_archive({entry("big.wav", "x", big), entry("b.wav", "y")}, Time()));
  EXPECT_EQ(number(parts[0], 18, 4), 0xFFFFFFFFu);
  EXPECT_EQ(number(parts[0], 4, 2), 45u);
  EXPECT_EQ(number(parts[0], 30 + 7 + 4, 8), big);
  const auto& tail = parts[2];
  EXPECT_EQ(number(tail, tail.size() - 22 + 16, 4), 0xFFFFFFFFu);
  EXPECT_EQ(number(tail, tail.size() - 22 - 20, 4), 0x07064b50u);
  EXPECT_EQ(number(tail, tail.size() - 22 - 20 - 56, 4), 0x06064b50u);
}

TEST(ContentDisposition, quotes_plain_names_and_encodes_the_rest) {
  EXPECT_EQ(content_disposition("vocals.wav"), "attachment; filename=\"vocals.wav\"");
  EXPECT_EQ(content_disposition("my song_separated.zip"), "attachment; filename*=utf-8''my%20song_separated.zip");
  EXPECT_EQ(content_disposition("a\"\r\n.zip"), "attachment; filename*=utf-8''a%22%0D%0A.zip");
}

}  // namespace
}  // namespace toll::api
