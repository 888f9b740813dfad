#include "surfaces/objects/checksums.h"

#include <gtest/gtest.h>

#include "base/checksum.h"

namespace toll::object_store {
namespace {

http::Fields fields(std::initializer_list<std::pair<std::string_view, std::string>> all) {
  http::Fields out;
  for (const auto& [name, value] : all) out.add(name, value);
  return out;
}
std::string raw(const Sha256& digest) {
  return std::string(as_text(digest));
}

TEST(Checksums, nothing_announced_is_nothing_to_check) {
  const auto none = announced(fields({{"x-amz-content-sha256", "UNSIGNED-PAYLOAD"}})).value();
  EXPECT_TRUE(check(none, sha256("anything"), 7, ""));
}

TEST(Checksums, what_was_announced_must_have_come) {
  const std::string text = "hello";
  const auto md5 = from_hex("5d41402abc4b2a76b9719d911017c592").value();
  const auto crc = crc32(text);
  std::string crc_bytes;
  for (int shift = 24; shift >= 0; shift -= 8) crc_bytes += static_cast<char>(crc >> shift & 255);
  const auto all = announced(fields({{"Content-MD5", base64(md5)},
                                     {"x-amz-content-sha256", hex(sha256(text))},
                                     {"x-amz-checksum-sha256", base64(raw(sha256(text)))},
                                     {"x-amz-checksum-crc32", base64(crc_bytes)}}))
                       .value();
  EXPECT_TRUE(check(all, sha256(text), crc, md5));
  EXPECT_EQ(check(all, sha256("other"), crc, md5).error().reason(), Reason::bad_digest);
  EXPECT_EQ(check(all, sha256(text), crc + 1, md5).error().reason(), Reason::bad_digest);
  EXPECT_EQ(check(all, sha256(text), crc, std::string(16, 'x')).error().reason(), Reason::bad_digest);
}

TEST(Checksums, values_that_are_none_are_refused) {
  for (auto bad : {"", "abc", "5d41402abc4b2a76b9719d911017c592", "XUFAKrxLKna5cZ2REBfFkg"})
    EXPECT_EQ(announced(fields({{"Content-MD5", bad}})).error().reason(), Reason::invalid_request) << bad;
  EXPECT_FALSE(announced(fields({{"x-amz-content-sha256", "deadbeef"}})));
  EXPECT_FALSE(announced(fields({{"x-amz-checksum-sha256", "AAAA"}})));
  EXPECT_FALSE(announced(
      fields({{"x-amz-content-sha256", hex(sha256("a"))}, {"x-amz-checksum-sha256", base64(raw(sha256("b")))}})))
      << "two that cannot both be true";
}

TEST(Checksums, bodies_in_a_coding_of_their_own_are_not_taken) {
  for (const auto& bad : {fields({{"Content-Encoding", "gzip, AWS-Chunked"}}),
                          fields({{"x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}}),
                          fields({{"x-amz-copy-source", "/models/hf/other"}})})
    EXPECT_EQ(announced(bad).error().reason(), Reason::unsupported_media_type);
}

}  // namespace
}  // namespace toll::object_store
