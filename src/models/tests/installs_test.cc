#include "models/installs.h"

#include "models/tests/fixture.h"

namespace toll::models {
namespace {

constexpr auto repo = "house/separator";

class InstalledModels : public testing::RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    if (IsSkipped()) return;
    serving_.emplace(clock, catalogue, *store_);
    installs_.emplace(catalogue, snapshots, publishing, *serving_);
  }
  void TearDown() override {
    installs_.reset();
    serving_.reset();
    RegistryTest::TearDown();
  }
  Result<Installed> install(const std::string& version, const Source& source, const std::vector<Card>& told = {}) {
    clock.advance(std::chrono::seconds(5));
    const std::vector<SnapshotFile> files{{"model.onnx", staged("weights of " + version), {}}};
    return write([&](sql::Tx& tx) { return installs_->install(tx, repo, version, source, files, told, trace); });
  }
  static Source source(std::optional<std::string> licence, std::string commit = "c") {
    return {.card = {.license = std::move(licence), .tags = "source:" + commit, .engine = "separation"},
            .commit = commit,
            .notes = "made of " + commit};
  }
  Model model() { return seen(Viewer::the_operator(), repo).value().model; }
  std::string production_version() {
    return read([&](sql::Tx& tx) { return serving_->resolve(tx, Viewer::the_operator(), repo).value().version; });
  }
  void point_to(const std::string& version) {
    EXPECT_TRUE(write([&](sql::Tx& tx) {
      return publishing.set_alias(tx, Viewer::the_operator(), repo, production, version, trace);
    }));
  }

 private:
  std::optional<ModelServing> serving_;
  std::optional<Installs> installs_;
};
INSTANTIATE_TEST_SUITE_P(Engines, InstalledModels, ::testing::ValuesIn(sql::testing::engines),
                         sql::testing::engine_name);

TEST_P(InstalledModels, serve_with_their_newest_version_and_say_which_one_did_before) {
  const auto first = install("v1", source("MIT", "one"));
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->made);
  EXPECT_EQ(first->serving.version, "v1");
  EXPECT_FALSE(first->replaced);
  point_to("v1");
  const auto second = install("v2", source("MIT", "two"), {source("MIT", "one").card});
  ASSERT_TRUE(second);
  EXPECT_EQ(second->serving.version, "v2") << "also where an administrator had pinned the one before";
  EXPECT_EQ(second->replaced, "v1");
  EXPECT_EQ(production_version(), "v2");
  const auto versions = read([&](sql::Tx& tx) { return catalogue.versions(tx, model().key, 10, 0); });
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions.front().notes, "made of two");
}

TEST_P(InstalledModels, come_back_whole_when_the_same_is_installed_after_the_store_lost_it) {
  const auto first = install("v1", source("MIT", "one")).value();
  const auto digest = first.serving.files.front().digest;
  ASSERT_TRUE(store_->remove(digest));
  ASSERT_FALSE(store_->open(digest));
  const auto again = install("v1", source("MIT", "one"));
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->made);
  EXPECT_TRUE(store_->open(digest));
}

TEST_P(InstalledModels, say_what_their_newest_version_tells) {
  ASSERT_TRUE(install("v1", source("MIT", "one")));
  ASSERT_TRUE(install("v2", source("CC-BY-4.0", "two"), {source("MIT", "one").card}));
  EXPECT_EQ(model().card.license, "CC-BY-4.0");
  EXPECT_EQ(model().card.tags, "source:two");
  EXPECT_EQ(model().source_commit, "two");
  ASSERT_TRUE(
      install("v3", source(std::nullopt, "three"), {source("MIT", "one").card, source("CC-BY-4.0", "two").card}));
  EXPECT_EQ(model().card.license, std::nullopt) << "the licence of other weights says nothing of these";
}

TEST_P(InstalledModels, keep_what_an_administrator_set) {
  ASSERT_TRUE(install("v1", source("MIT", "one")));
  const auto admin = account(identity::Role::admin);
  const Card set{.canonical_url = "https://wiki.example/separator", .license = "our own terms"};
  ASSERT_TRUE(write([&](sql::Tx& tx) { return publishing.save(tx, admin, repo, set, false, trace); }));
  ASSERT_TRUE(install("v2", source("MIT", "two"), {source("MIT", "one").card}));
  const auto now = model();
  EXPECT_EQ(now.card.license, "our own terms");
  EXPECT_EQ(now.card.canonical_url, "https://wiki.example/separator");
  EXPECT_EQ(now.card.tags, "source:two") << "nobody had changed these";
  EXPECT_FALSE(now.is_public);
}

TEST_P(InstalledModels, stay_as_they_are_when_a_version_comes_again) {
  ASSERT_TRUE(install("v1", source("MIT", "one")));
  ASSERT_TRUE(install("v2", source("MIT", "two"), {source("MIT", "one").card}));
  point_to("v1");
  const auto before = model();
  const auto again = install("v2", source("MIT", "two"), {source("MIT", "one").card, source("MIT", "two").card});
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->made);
  EXPECT_EQ(again->serving.version, "v1") << "who went back is not overruled";
  EXPECT_EQ(model().revision, before.revision);
  EXPECT_EQ(model().last_update_ts, before.last_update_ts) << "the feed tells of no change";
}

TEST_P(InstalledModels, come_back_after_an_administrator_deleted_them) {
  ASSERT_TRUE(install("v1", source("MIT", "one")));
  const auto admin = account(identity::Role::admin);
  ASSERT_TRUE(write([&](sql::Tx& tx) { return publishing.remove(tx, admin, repo, trace); }));
  const auto back = install("v1", source("MIT", "one"));
  ASSERT_TRUE(back) << back.error().cause();
  EXPECT_TRUE(back->made);
  EXPECT_EQ(production_version(), "v1");
  EXPECT_EQ(model().card.license, "MIT");
  EXPECT_TRUE(model().is_public);
}

TEST_P(InstalledModels, take_no_name_of_an_account) {
  const auto somebody = account();
  ASSERT_TRUE(write([&](sql::Tx& tx) { return publishing.save(tx, somebody, repo, {}, true, trace); }));
  EXPECT_EQ(install("v1", source("MIT")).error().reason(), Reason::repo_taken);
}

}  // namespace
}  // namespace toll::models
