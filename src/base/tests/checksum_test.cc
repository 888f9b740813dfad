#include "base/checksum.h"

#include <gtest/gtest.h>

#include "base/digest.h"

namespace toll {
namespace {

std::string digest(ChecksumStream::Kind kind, std::initializer_list<std::string_view> pieces) {
  ChecksumStream stream(kind);
  for (auto piece : pieces) stream.update(piece);
  return hex(as_span(stream.finish()));
}

// RFC 1321 A.5; FIPS 180 examples; `git hash-object` of an empty file.
TEST(Checksum, agrees_with_the_published_examples) {
  EXPECT_EQ(digest(ChecksumStream::Kind::md5, {""}), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(digest(ChecksumStream::Kind::md5, {"message ", "digest"}), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(digest(ChecksumStream::Kind::sha1, {"abc"}), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(digest(ChecksumStream::Kind::sha1, {std::string_view("blob 0\0", 7)}),
            "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

TEST(Checksum, writes_and_reads_base64) {
  for (auto [plain, coded] :
       {std::pair{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(base64(plain), coded);
    EXPECT_EQ(from_base64(coded), plain);
  }
  EXPECT_EQ(base64("\xfb\xff\xfe"), "+//+");
  EXPECT_EQ(from_base64("+//+"), "\xfb\xff\xfe");
}

TEST(Checksum, takes_only_the_one_form_of_base64) {
  for (auto wrong : {"Zg", "Zg=", "Zg===", "Zh==", "-__-", "Zm9v\n", "Zm 9", "====", "=", "Z==="})
    EXPECT_FALSE(from_base64(wrong)) << wrong;
}

TEST(Checksum, reads_hexadecimal_digits_of_either_case_and_nothing_else) {
  EXPECT_EQ(from_hex("00fFa1"), std::string("\x00\xff\xa1", 3));
  for (auto wrong : {"0", "0g", " 0", "%0"}) EXPECT_FALSE(from_hex(wrong)) << wrong;
}

}  // namespace
}  // namespace toll
