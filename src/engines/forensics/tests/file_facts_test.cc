#include "engines/forensics/file_facts.h"

#include <gtest/gtest.h>

#include <string>

namespace toll::engines::forensics {
namespace {

std::string big(std::size_t value, std::size_t width) {
  std::string out;
  for (std::size_t i = width; i-- > 0;) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}
std::string segment(unsigned char marker, const std::string& content) {
  return std::string("\xff") + static_cast<char>(marker) + big(content.size() + 2, 2) + content;
}
std::string jpeg(const std::string& segments) {
  return "\xff\xd8" + segments + segment(0xda, "scan") + "\x01\x02\xff\xd9";
}
std::string chunk(const std::string& kind, const std::string& content) {
  return big(content.size(), 4) + kind + content + "crc!";
}
std::string png(const std::string& chunks) {
  return "\x89PNG\r\n\x1a\n" + chunks + chunk("IEND", "");
}
// A directory of two entries: Make as a text behind it, Orientation in place.
std::string exif(int orientation) {
  std::string out = "MM" + big(42, 2) + big(8, 4) + big(2, 2);
  out += big(0x010f, 2) + big(2, 2) + big(6, 4) + big(8 + 2 + 24 + 4, 4);
  out += big(0x0112, 2) + big(3, 2) + big(1, 4) + big(static_cast<std::size_t>(orientation), 2) + big(0, 2);
  return out + big(0, 4) + std::string("Acorn\0", 6);
}
FileFacts facts_of(const std::string& file) {
  return read_file_facts(std::as_bytes(std::span(file)));
}

TEST(FileFacts, of_a_jpeg_are_its_tables_and_its_camera) {
  std::string table(1, '\0');
  const auto wanted = ijg_luminance(83);
  for (auto position : zigzag) table += static_cast<char>(wanted[position]);
  const auto facts = facts_of(jpeg(segment(0xdb, table) + segment(0xe1, std::string("Exif\0\0", 6) + exif(6))));
  ASSERT_TRUE(facts.luminance.has_value());
  EXPECT_EQ(ijg_quality(*facts.luminance), 83);
  EXPECT_EQ(facts.make, "Acorn");
  EXPECT_EQ(facts.orientation.exif, 6);
  EXPECT_FALSE(facts.credentials);
}

TEST(FileFacts, credentials_are_seen_in_every_container) {
  const std::string store = "jumb c2pa c2pa.signature trainedAlgorithmicMedia";
  const std::string in_jpeg = jpeg(segment(0xeb, "JP" + std::string(6, '\0') + store));
  const std::string in_png = png(chunk("caBX", store));
  const std::string in_webp =
      std::string("RIFF\0\0\0\0WEBPC2PA", 16) + static_cast<char>(store.size()) + std::string(3, '\0') + store;
  const std::string in_mp4 = big(16, 4) + "ftypisom" + big(0, 4) + big(24 + store.size(), 4) + "uuid" +
                             "\xd8\xfe\xc3\xd6\x1b\x0e\x48\x3c\x92\x97\x58\x28\x87\x7e\xc4\x81" + store;
  for (const auto& file : {in_jpeg, in_png, in_webp, in_mp4}) {
    const auto facts = facts_of(file);
    EXPECT_TRUE(facts.credentials) << file.substr(0, 12);
    EXPECT_TRUE(facts.credentials_signed);
    EXPECT_TRUE(facts.declares_generated);
  }
}

TEST(FileFacts, generators_and_editors_name_themselves) {
  EXPECT_EQ(facts_of(png(chunk("tEXt", std::string("parameters\0a cat", 16)))).generator, "Stable Diffusion");
  EXPECT_EQ(facts_of(png(chunk("tEXt", std::string("Software\0GIMP 2.10", 18)))).editor, "GIMP");
  const std::string packet("http://ns.adobe.com/xap/1.0/\0<x CreatorTool='Adobe Photoshop'/>", 64);
  EXPECT_EQ(facts_of(jpeg(segment(0xe1, packet))).editor, "Photoshop");
  EXPECT_EQ(facts_of(png(chunk("tEXt", std::string("Comment\0hello", 13)))).generator, "");
}

TEST(FileFacts, of_broken_headers_are_what_can_be_read) {
  const auto whole = jpeg(segment(0xe1, std::string("Exif\0\0", 6) + exif(3)) + segment(0xeb, "JP      c2pa"));
  for (std::size_t length = 0; length < whole.size(); ++length) facts_of(whole.substr(0, length));
  EXPECT_EQ(facts_of("\xff\xd8\xff\xe1\xff\xff"
                     "Exif")
                .orientation.exif,
            1);
  EXPECT_EQ(facts_of(png(chunk("eXIf", exif(77)))).orientation.exif, 1);
}

}  // namespace
}  // namespace toll::engines::forensics
