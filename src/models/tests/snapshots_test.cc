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

TEST_P(Mirrors, keep_what_an_administrator_set_and_the_source_does_not_tell) {
  ASSERT_TRUE(replace({{"a", staged("A"), {}}}, {.card = {.license = "mit"}, .commit = "one"}));
  auto admin = account(identity::Role::admin);
  const Card set{.license = "apache-2.0", .tags = "ours", .engine = "onnx", .parameters = 1'500'000};
  ASSERT_TRUE(write([&](sql::Tx& tx) { return publishing.save(tx, admin, "hub/model", set, false, trace); }));
  ASSERT_TRUE(replace({{"a", staged("B"), {}}}, {.card = {.license = "mit"}, .commit = "two"}));
  const auto now = mirrored();
  EXPECT_EQ(now.card.engine, "onnx");
  EXPECT_EQ(now.card.tags, "ours");
  EXPECT_EQ(now.parameters_readable, "1.5M");
  EXPECT_EQ(now.card.license, "mit") << "what the source tells is taken";
  EXPECT_EQ(now.source_commit, "two");
  EXPECT_FALSE(now.is_public) << "who hid it wants it hidden";
}

TEST_P(Mirrors, are_stamped_only_when_files_or_source_change) {
  const Source source{.card = {.license = "mit"}, .commit = "one", .downloads = 1};
  ASSERT_TRUE(replace({{"a", staged("A"), {}}}, source));
  const auto first = mirrored().last_update_ts;
  auto moved = [&](const std::vector<SnapshotFile>& files, const Source& told) {
    clock.advance(std::chrono::seconds(5));
    const auto before = mirrored().last_update_ts;
    EXPECT_TRUE(replace(files, told));
    return mirrored().last_update_ts != before;
  };
  EXPECT_FALSE(moved({{"a", {}, sha256("A")}}, source));
  EXPECT_FALSE(moved({{"a", staged("A"), {}}}, {.commit = "one", .downloads = 7}));
  EXPECT_EQ(mirrored().downloads, 7);
  EXPECT_EQ(mirrored().last_update_ts, first);
  EXPECT_TRUE(moved({{"a", {}, sha256("A")}}, {.commit = "two"}));
  EXPECT_TRUE(moved({{"a", staged("B"), {}}}, {.commit = "two"}));
  EXPECT_TRUE(moved({{"a", {}, sha256("B")}, {"b", {}, sha256("B")}}, {.commit = "two"}));
  EXPECT_TRUE(moved({{"a", {}, sha256("B")}}, {.commit = "two"}));
}

TEST_P(Mirrors, begin_anew_after_they_were_deleted) {
  ASSERT_TRUE(replace({{"a", staged("A"), {}}}, {.card = {.engine = "onnx"}, .commit = "one"}));
  const auto admin = account(identity::Role::admin);
  ASSERT_TRUE(write([&](sql::Tx& tx) { return publishing.remove(tx, admin, "hub/model", trace); }));
  ASSERT_TRUE(replace({{"a", staged("A"), {}}}, {.commit = "one"}));
  EXPECT_EQ(mirrored().card.engine, std::nullopt);
  EXPECT_TRUE(mirrored().is_public);
}

TEST_P(Mirrors, take_no_name_that_nobody_could_ask_for) {
  auto add = [&](std::string_view repo, std::string_view version, std::string name, Card card = {}) {
    return write([&](sql::Tx& tx) {
      return snapshots.add_version(tx, repo, version, {.card = std::move(card)}, {{name, staged("A"), {}}});
    });
  };
  auto refused = [](const auto& result) { return !result && result.error().reason() == Reason::invalid_request; };
  EXPECT_TRUE(refused(add("../model", "v1", "a")));
  EXPECT_TRUE(refused(add("models/x", "v1", "a")));
  EXPECT_TRUE(refused(add("hub/model", "v/1", "a")));
  EXPECT_TRUE(refused(add("hub/model", "v1", "../a")));
  EXPECT_TRUE(refused(add("hub/model", "v1", "a", {.engine = "toaster"})));
  EXPECT_TRUE(refused(replace({{"a//b", staged("A"), {}}})));
  EXPECT_TRUE(refused(replace({{"a", staged("A"), {}}}, {}, "hub//model")));
  EXPECT_TRUE(refused(replace({{"a", staged("A"), {}}}, {.card = {.engine = "toaster"}})));
  EXPECT_TRUE(listed(Viewer::the_operator()).empty());
  EXPECT_TRUE(add("hub/model", "v1", "a", {.engine = "onnx"}));
}

}  // namespace
}  // namespace toll::models
