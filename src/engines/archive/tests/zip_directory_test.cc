#include "engines/archive/zip_directory.h"

#include <gtest/gtest.h>

#include <vector>

namespace toll::engines::archive {
namespace {

template <class T>
std::string little(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
using U16 = std::uint16_t;
using U32 = std::uint32_t;

std::string local_record(const std::string& name, const std::string& content) {
  return little<U32>(0x04034b50) + std::string(22, '\0') + little<U16>(static_cast<U16>(name.size())) + little<U16>(0) +
         name + content;
}
std::string central_record(const ZipEntry& entry) {
  return little<U32>(0x02014b50) + std::string(4, '\0') + little(entry.flags) + little(entry.method) +
         std::string(4, '\0') + little(entry.crc32) + little(entry.packed_size) + little(entry.size) +
         little<U16>(static_cast<U16>(entry.name.size())) + std::string(12, '\0') + little(entry.local) + entry.name;
}
std::string end_record(std::size_t count, std::size_t offset, const std::string& comment = "") {
  return little<U32>(0x06054b50) + std::string(6, '\0') + little<U16>(static_cast<U16>(count)) + std::string(4, '\0') +
         little<U32>(static_cast<U32>(offset)) + little<U16>(static_cast<U16>(comment.size())) + comment;
}

// Two entries, "a" of four bytes and "b/c" of none, behind a few bytes of something else.
struct Archive {
  std::string lead = "#!", records = local_record("a", "1234") + local_record("b/c", "");
  ZipEntry first{"a", 0, deflated, 7, 4, 9, 2}, second{"b/c", 0, stored, 0, 0, 0, 37};
  std::string bytes(const std::string& comment = "") const {
    const auto head = lead + records;
    return head + central_record(first) + central_record(second) + end_record(2, head.size(), comment);
  }
};

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}
std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Everything that can be asked of it; the first refusal, if any.
std::string refusal_of(const std::string& archive) {
  auto directory = ZipDirectory::find(as_bytes(archive));
  if (!directory) return "no directory";
  for (;;) {
    const auto entry = directory->next();
    if (!entry) return std::string(entry.error().argument("why"));
    if (!*entry) return "";
    if (const auto packed = directory->packed(**entry); !packed) return std::string(packed.error().argument("why"));
  }
}

TEST(ZipDirectory, tells_each_entry_and_where_its_bytes_are) {
  for (const auto& comment : {std::string(), std::string("a comment"), std::string(0xffff, 'x')}) {
    const auto archive = Archive().bytes(comment);
    auto directory = ZipDirectory::find(as_bytes(archive)).value();
    const auto first = directory.next().value().value();
    EXPECT_EQ(first.name, "a");
    EXPECT_EQ(first.method, deflated);
    EXPECT_EQ(first.crc32, 7u);
    EXPECT_EQ(first.size, 9u);
    EXPECT_EQ(text_of(directory.packed(first).value()), "1234");
    const auto second = directory.next().value().value();
    EXPECT_EQ(second.name, "b/c");
    EXPECT_TRUE(directory.packed(second).value().empty());
    EXPECT_FALSE(directory.next().value());
    EXPECT_FALSE(directory.next().value()) << "and stays there";
  }
}

TEST(ZipDirectory, refuses_an_archive_that_is_cut_short_anywhere) {
  const auto whole = Archive().bytes();
  EXPECT_EQ(refusal_of(whole), "");
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(refusal_of(whole.substr(0, size)), "") << size;
}

TEST(ZipDirectory, never_looks_outside_of_the_archive) {
  auto refused = [](auto change) {
    Archive archive;
    change(archive);
    return refusal_of(archive.bytes());
  };
  EXPECT_EQ(refused([](Archive& a) { a.first.flags = 1; }), "the archive is encrypted");
  EXPECT_EQ(refused([](Archive& a) { a.first.size = 0xffffffff; }), "the archive is larger than 4 GiB");
  EXPECT_EQ(refused([](Archive& a) { a.first.packed_size = 0xffffffff; }), "the archive is larger than 4 GiB");
  EXPECT_EQ(refused([](Archive& a) { a.first.local = 0xffffffff; }), "the archive is larger than 4 GiB");
  EXPECT_EQ(refused([](Archive& a) { a.first.local = 0xfffffffe; }),
            "the archive's entries are not where its directory says");
  EXPECT_EQ(refused([](Archive& a) { a.first.packed_size = 0xfffffffe; }), "the archive is cut short");
  const auto head = Archive().lead + Archive().records;
  EXPECT_EQ(refusal_of(head + end_record(1, 0xfffffff0)), "the archive's directory is malformed");
  EXPECT_EQ(refusal_of(head + end_record(65'535, 0)), "the archive's directory is malformed");
}

TEST(ZipDirectory, survives_every_changed_byte) {
  const auto whole = Archive().bytes();
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const char other : {'\0', '\x7f', '\xff'}) {
      auto changed = whole;
      changed[at] = other;
      (void)refusal_of(changed);
    }
}

}  // namespace
}  // namespace toll::engines::archive
