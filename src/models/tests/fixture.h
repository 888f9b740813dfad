// A registry over a database of each engine and a folder store, with a clock that stands still.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/random.h"
#include "blob/folder_store.h"
#include "models/access_log.h"
#include "models/catalogue.h"
#include "models/feed.h"
#include "models/grants.h"
#include "models/key_space.h"
#include "models/publishing.h"
#include "models/serving.h"
#include "models/snapshots.h"
#include "models/uploads.h"
#include "sql/testing/databases.h"

namespace toll::models::testing {

class RegistryTest : public ::testing::TestWithParam<sql::Engine> {
 protected:
  void SetUp() override {
    TOLL_SKIP_WITHOUT(GetParam());
    db_ = sql::testing::fresh_database(GetParam());
    folder_ = std::filesystem::temp_directory_path() / ("tollhouse-models-" + SystemRandom().uuid4());
    store_ = blob::open_folder_store(folder_);
    uploads_.emplace(clock, publishing, catalogue, feed, log, objects, slots, *store_);
  }
  void TearDown() override {
    uploads_.reset();
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  template <class F>
  auto write(F f) {
    return db_->write(f);
  }
  template <class F>
  auto read(F f) {
    return db_->read(f);
  }

  Viewer account(identity::Role role = identity::Role::developer) {
    const auto name = "user" + std::to_string(++accounts_);
    const auto id = write([&](sql::Tx& tx) {
      return tx
          .one(
              "INSERT INTO accounts (email, email_folded, username, username_folded, password_hash, is_admin, active, "
              "plan, created_at, updated_at) VALUES ($1, $1, $1, $1, '', 0, 1, 'free', $2, $2) RETURNING id",
              name, clock.now())
          ->integer(0);
    });
    return {AccountId(id), role};
  }
  Model model(const Viewer& by, const std::string& repo_id, bool is_public = false, Card card = {}) {
    EXPECT_TRUE(write([&](sql::Tx& tx) { return publishing.save(tx, by, repo_id, card, is_public, trace); }));
    return seen(by, repo_id).value().model;
  }
  std::optional<Seen> seen(const Viewer& viewer, const std::string& repo_id) {
    return read([&](sql::Tx& tx) { return catalogue.find(tx, viewer, repo_id); });
  }
  std::vector<std::string> listed(const Viewer& viewer, const ListQuery& query = {}) {
    return read([&](sql::Tx& tx) {
      std::vector<RepoKey> keys;
      for (const auto& row : catalogue.list(tx, viewer, query)) keys.push_back(row.key);
      std::vector<std::string> out;
      for (const auto& one : catalogue.models(tx, keys)) out.push_back(one.repo_id);
      return out;
    });
  }
  void version(const Viewer& by, const std::string& repo_id, const std::string& name) {
    EXPECT_TRUE(write([&](sql::Tx& tx) { return publishing.add_version(tx, by, repo_id, name, {}, trace); }));
  }
  std::shared_ptr<blob::Staged> staged(std::string_view bytes) {
    auto writer = store_->create().value();
    EXPECT_TRUE(writer->write(as_span(bytes)));
    return std::shared_ptr<blob::Staged>(writer->finish().value().release());
  }
  // What a signed PUT does.
  Result<objects::Object> put(const objects::SlotId& slot, std::string_view bytes) {
    const auto content = staged(bytes);
    return write([&](sql::Tx& tx) -> Result<objects::Object> {
      auto got = TOLL_TRY(slots.keep(tx, slot, *content));
      const auto there = slots.get(tx, slot);
      TOLL_TRY(uploads_->landed(tx, *there, got));
      return got;
    });
  }
  objects::Slot initiate(const Viewer& by, const std::string& repo_id, const std::string& version,
                         const std::string& name) {
    return write([&](sql::Tx& tx) {
             return uploads_->initiate(tx, by, {.repo_id = repo_id, .version = version, .rfilename = name}, trace);
           })
        .value()
        .slot;
  }
  Result<Completed> complete(const Viewer& by, const std::string& repo_id, const std::string& version,
                             const std::string& name, std::optional<std::string> sha256 = {}) {
    return uploads_->complete(*db_, by, {.repo_id = repo_id, .version = version, .rfilename = name, .sha256 = sha256},
                              trace);
  }
  void upload(const Viewer& by, const std::string& repo_id, const std::string& version, const std::string& name,
              std::string_view bytes) {
    EXPECT_TRUE(put(initiate(by, repo_id, version, name).id, bytes));
    EXPECT_TRUE(complete(by, repo_id, version, name)->ready);
  }
  FeedPage changes(const Viewer& viewer, const FeedQuery& query = {}) { return feed.page(*db_, viewer, query).value(); }

  TestClock clock;
  SystemRandom random;
  Catalogue catalogue{clock};
  Feed feed{clock};
  AccessLog log{clock};
  objects::Objects objects{clock, random};
  objects::Slots slots{objects, clock, random};
  Publishing publishing{clock, catalogue, feed, log, objects, slots};
  Grants grants{clock, feed, log};
  Snapshots snapshots{clock, catalogue, feed, objects};
  const Trace trace{};
  sql::testing::Fresh db_;
  std::filesystem::path folder_;
  std::unique_ptr<blob::Store> store_;
  std::optional<Uploads> uploads_;
  int accounts_ = 0;
};

}  // namespace toll::models::testing
