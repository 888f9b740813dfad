#include "models/installs.h"

#include <fstream>
#include <thread>

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
  Result<Installed> install(const std::string& version, const Source& source) {
    clock.advance(std::chrono::seconds(5));
    return install_now(version, source);
  }
  Result<Installed> install_now(const std::string& version, const Source& source) {
    const std::vector<SnapshotFile> files{{"model.onnx", staged("weights of " + version), {}}};
    return write([&](sql::Tx& tx) { return installs_->install(tx, repo, version, source, files, trace); });
  }
  // What a failing disk does.
  void damage(const Sha256& digest) {
    const auto name = hex(digest);
    const auto path = folder_ / "blobs" / name.substr(0, 2) / name.substr(2);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    ASSERT_TRUE(file.seekp(3).put('#').flush());
  }
  bool whole(const Serving& serving) { return ModelServing(clock, catalogue, *store_).load(serving).has_value(); }
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
  const auto second = install("v2", source("MIT", "two"));
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

TEST_P(InstalledModels, come_back_whole_when_the_same_is_installed_after_the_disk_damaged_it) {
  const auto first = install("v1", source("MIT", "one")).value();
  const auto digest = first.serving.files.front().digest;
  damage(digest);
  ASSERT_FALSE(whole(first.serving));
  const auto reader = store_->open(digest).value();
  const auto again = install("v1", source("MIT", "one"));
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->made);
  EXPECT_TRUE(whole(again->serving));
  EXPECT_EQ(store_->remove_leftovers(), 0u);
  EXPECT_EQ(reader->size(), first.serving.files.front().size) << "who reads it goes on";
}

TEST_P(InstalledModels, say_of_themselves_what_the_version_says_to_which_the_operator_went_back) {
  ASSERT_TRUE(install("v1", source("MIT", "one")));
  ASSERT_TRUE(install("v2", source("CC-BY-4.0", "two")));
  point_to("v1");
  EXPECT_EQ(model().card.license, "MIT");
  EXPECT_EQ(model().card.tags, "source:one");
  EXPECT_EQ(model().source_commit, "one");
  point_to("v2");
  EXPECT_EQ(model().card.license, "CC-BY-4.0");
  ASSERT_TRUE(write(
      [&](sql::Tx& tx) { return publishing.set_alias(tx, Viewer::the_operator(), repo, "stable", "v1", trace); }));
  EXPECT_EQ(model().card.license, "CC-BY-4.0") << "no other alias says what serves";
}

TEST_P(InstalledModels, keep_an_administrators_words_through_every_move_of_the_alias) {
  ASSERT_TRUE(install("v1", source("MIT", "one")));
  ASSERT_TRUE(install("v2", source("CC-BY-4.0", "two")));
  const auto admin = account(identity::Role::admin);
  ASSERT_TRUE(write([&](sql::Tx& tx) { return publishing.save(tx, admin, repo, {.license = "our own"}, {}, trace); }));
  point_to("v1");
  EXPECT_EQ(model().card.license, "our own");
  EXPECT_EQ(model().card.tags, "source:one");
}

// Two people import other weights under one name at once: the card belongs to those that serve.
TEST_P(InstalledModels, never_carry_the_licence_of_the_other_of_two_imports_at_once) {
  for (int round = 0; round < 10; ++round) {
    const auto one = "a" + std::to_string(round), two = "b" + std::to_string(round);
    std::thread other([&] { EXPECT_TRUE(install_now(two, source("CC-BY-4.0", two))); });
    EXPECT_TRUE(install_now(one, source("MIT", one)));
    other.join();
    const auto now = production_version();
    EXPECT_EQ(model().card.license, now == one ? "MIT" : "CC-BY-4.0");
    EXPECT_EQ(model().card.tags, "source:" + now);
  }
}

TEST_P(InstalledModels, need_no_file_of_theirs_to_tell_their_sources_words_from_an_administrators) {
  const auto first = install("v1", source("MIT", "one")).value();
  damage(first.serving.files.front().digest);
  ASSERT_TRUE(install("v2", source(std::nullopt, "two")));
  EXPECT_EQ(model().card.license, std::nullopt);
}

TEST_P(InstalledModels, say_what_their_newest_version_tells) {
  ASSERT_TRUE(install("v1", source("MIT", "one")));
  ASSERT_TRUE(install("v2", source("CC-BY-4.0", "two")));
  EXPECT_EQ(model().card.license, "CC-BY-4.0");
  EXPECT_EQ(model().card.tags, "source:two");
  EXPECT_EQ(model().source_commit, "two");
  ASSERT_TRUE(install("v3", source(std::nullopt, "three")));
  EXPECT_EQ(model().card.license, std::nullopt) << "the licence of other weights says nothing of these";
}

TEST_P(InstalledModels, keep_what_an_administrator_set) {
  ASSERT_TRUE(install("v1", source("MIT", "one")));
  const auto admin = account(identity::Role::admin);
  const Card set{.canonical_url = "https://wiki.example/separator", .license = "our own terms"};
  ASSERT_TRUE(write([&](sql::Tx& tx) { return publishing.save(tx, admin, repo, set, false, trace); }));
  ASSERT_TRUE(install("v2", source("MIT", "two")));
  const auto now = model();
  EXPECT_EQ(now.card.license, "our own terms");
  EXPECT_EQ(now.card.canonical_url, "https://wiki.example/separator");
  EXPECT_EQ(now.card.tags, "source:two") << "nobody had changed these";
  EXPECT_FALSE(now.is_public);
}

TEST_P(InstalledModels, stay_as_they_are_when_a_version_comes_again) {
  ASSERT_TRUE(install("v1", source("MIT", "one")));
  ASSERT_TRUE(install("v2", source("MIT", "two")));
  point_to("v1");
  const auto before = model();
  const auto again = install("v2", source("MIT", "two"));
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
