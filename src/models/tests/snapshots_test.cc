#include "models/tests/fixture.h"
#include "objects/digest_text.h"

namespace toll::models {
namespace {

class Mirrors : public testing::RegistryTest {
 protected:
  Result<RepoKey> replace(const std::vector<SnapshotFile>& files, const Source& source = {.commit = "abc"},
                          std::string_view repo_id = "hub/model") {
    return write([&](sql::Tx& tx) { return snapshots.replace(tx, repo_id, source, files); });
  }
  Model mirrored() { return seen(Viewer::the_operator(), "hub/model").value().model; }
  std::map<std::string, std::string> files() {
    std::map<std::string, std::string> out;
    const auto key = mirrored().key;
    for (const auto& file : read([&](sql::Tx& tx) { return catalogue.manifest(tx, key, {}); }))
      out.emplace(file.rfilename, file.sha256.value());
    return out;
  }
  std::int64_t references(std::string_view bytes) {
    return read([&](sql::Tx& tx) {
      return tx.one("SELECT refs FROM blobs WHERE digest = $1", objects::digest_text(sha256(bytes)))->integer(0);
    });
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, Mirrors, ::testing::ValuesIn(sql::testing::engines), sql::testing::engine_name);

std::string digest(std::string_view bytes) {
  return objects::digest_text(sha256(bytes));
}

TEST_P(Mirrors, keep_bytes_that_move_between_changed_names) {
  ASSERT_TRUE(replace({{"latest", staged("one"), {}}, {"previous", staged("zero"), {}}}));
  ASSERT_TRUE(replace({{"latest", staged("two"), {}}, {"previous", {}, sha256("one")}}));
  EXPECT_EQ(files(), (std::map<std::string, std::string>{{"latest", digest("two")}, {"previous", digest("one")}}));
  ASSERT_TRUE(replace({{"latest", {}, sha256("one")}, {"previous", {}, sha256("two")}})) << "they change places";
  EXPECT_EQ(files(), (std::map<std::string, std::string>{{"latest", digest("one")}, {"previous", digest("two")}}));
  EXPECT_EQ(references("zero"), 0);
  EXPECT_EQ(references("one"), 1) << "nothing but the file holds them afterwards";
  EXPECT_EQ(references("two"), 1);
}

TEST_P(Mirrors, stay_as_they_are_when_held_bytes_are_gone) {
  ASSERT_TRUE(replace({{"a", staged("A"), {}}}));
  EXPECT_EQ(replace({{"a", {}, sha256("never")}}).error().reason(), Reason::not_found);
  EXPECT_EQ(files(), (std::map<std::string, std::string>{{"a", digest("A")}}));
}

}  // namespace
}  // namespace toll::models
