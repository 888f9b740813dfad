#include "engines/spleeter/package.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "engines/spleeter/tests/support.h"

namespace toll::engines::spleeter {
namespace {
using namespace testing;

const std::string index_name = "a/2stems/model.index", data_name = "a/2stems/model.data-00000-of-00001";

std::string text(const std::vector<std::byte>& content) {
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}
std::string refusal_of(const std::string& archive) {
  const auto read = read_archive(bytes(archive));
  return read ? "nothing refused" : std::string(read.error().argument("why"));
}
void expect_both(const Result<CheckpointFiles>& read) {
  ASSERT_TRUE(read.has_value()) << read.error().describe();
  EXPECT_EQ(read->name, "model.data-00000-of-00001");
  EXPECT_EQ(text(read->index), "the index");
  EXPECT_EQ(text(read->data), "the data");
}
const Named published{{"setup.py", "import this"},
                      {"a/2stems/._model.index", "what macOS adds"},
                      {index_name, "the index"},
                      {data_name, "the data"},
                      {"a/2stems/model.meta", "a graph"}};

TEST(Package, is_found_in_a_wheel_a_tar_and_a_folder) {
  expect_both(read_archive(bytes(zip(published))));
  expect_both(read_archive(bytes(gzip(tar(published)))));
  const auto folder = std::filesystem::path(::testing::TempDir()) / "spleeter-package";
  std::filesystem::create_directories(folder);
  for (const auto& [name, content] : published)
    std::ofstream(folder / std::filesystem::path(name).filename(), std::ios::binary) << content;
  expect_both(read_package(folder));
  std::ofstream(folder / "it.whl", std::ios::binary) << zip(published);
  expect_both(read_package(folder / "it.whl"));
  std::filesystem::remove_all(folder);
  EXPECT_EQ(read_package(folder).error().reason(), Reason::not_found);
}

TEST(Package, without_exactly_one_checkpoint_is_refused) {
  EXPECT_NE(refusal_of(zip({{"a.txt", "renamed"}})).find("there is no TensorFlow checkpoint"), std::string::npos);
  EXPECT_NE(refusal_of(zip({{index_name, "1"}})).find("there is no TensorFlow checkpoint"), std::string::npos);
  EXPECT_NE(refusal_of(zip({{"b/model.index", "1"}, {data_name, "2"}})).find("there is no"), std::string::npos);
  auto two = published;
  two.emplace_back("a/4stems/model.index", "another");
  EXPECT_EQ(refusal_of(zip(two)), "there is more than one checkpoint in it");
  EXPECT_EQ(refusal_of(gzip(tar(two))), "there is more than one checkpoint in it");
  EXPECT_NE(refusal_of("RIFF....WAVE").find("neither"), std::string::npos);
  EXPECT_NE(refusal_of("").find("neither"), std::string::npos);
}

TEST(Package, cut_short_anywhere_is_refused) {
  const auto zipped = zip(published), tarred = gzip(tar(published));
  for (std::size_t size = 0; size < zipped.size(); size += 1 + size / 40)
    EXPECT_NE(refusal_of(zipped.substr(0, size)), "nothing refused") << size;
  for (std::size_t size = 0; size < tarred.size(); size += 1 + size / 40)
    EXPECT_NE(refusal_of(tarred.substr(0, size)), "nothing refused") << size;
}

TEST(Package, of_damaged_content_is_refused) {
  auto archive = zip(published);
  archive[archive.find(data_name) + data_name.size() + 2] ^= 0x10;
  EXPECT_NE(refusal_of(archive), "nothing refused");
  auto tarred = tar(published);
  tarred[20] ^= 1;
  EXPECT_EQ(refusal_of(gzip(tarred)), "the archive is malformed");
}

TEST(Package, whose_checksum_differs_is_refused_though_the_tar_has_ended_before_it) {
  for (const auto& behind : {std::string(), std::string(9000, '\0'), std::string("what people leave there")}) {
    auto packed = gzip(tar(published) + behind);
    EXPECT_TRUE(read_archive(bytes(packed)));
    packed[packed.size() - 8] ^= 1;
    EXPECT_EQ(refusal_of(packed), "the archive is damaged");
  }
}

// The archives are small, what they claim or unpack to is not: none of it may be allocated or kept.
TEST(Package, that_is_a_bomb_is_refused) {
  const std::string zeros(3 << 20, '\0');
  EXPECT_EQ(refusal_of(zip({{index_name, zeros}})), index_name + " is too large") << "an index has at most 1 MiB";
  EXPECT_EQ(refusal_of(gzip(tar({{index_name, zeros}}))), index_name + " is too large");
  EXPECT_EQ(refusal_of(zip({{data_name, "x"}}, 400 << 20)), "the archive claims more than it can hold");
  EXPECT_EQ(refusal_of(gzip(tar_entry(data_name, "x", 400 << 20))), "the archive claims more than it can hold");
  EXPECT_EQ(refusal_of(zip({{data_name, "1234"}}, 10)), "a file of the archive is shorter than it says");
  EXPECT_EQ(refusal_of(zip({{data_name, zeros}}, static_cast<std::uint32_t>(-1000))),
            "a file of the archive is longer than it says");
}

}  // namespace
}  // namespace toll::engines::spleeter
