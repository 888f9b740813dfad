// Databases for tests, on every engine:
//
//   class Ledger : public ::testing::TestWithParam<sql::Engine> {
//     void SetUp() override { TOLL_SKIP_WITHOUT(GetParam()); db_ = sql::testing::fresh_database(GetParam()); }
//   };
//   INSTANTIATE_TEST_SUITE_P(Engines, Ledger, ::testing::ValuesIn(sql::testing::engines), sql::testing::engine_name);
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "sql/database.h"
#include "sql/migrations.h"

namespace toll::sql::testing {

inline constexpr Engine engines[] = {Engine::sqlite, Engine::postgres};

// Why this engine cannot be tested here; nullopt: it can.
std::optional<std::string> unavailable(Engine engine);
#define TOLL_SKIP_WITHOUT(engine) \
  if (auto why = ::toll::sql::testing::unavailable(engine)) GTEST_SKIP() << *why

// "sqlite", "postgres": the name of a test's parameter.
std::string engine_name(const ::testing::TestParamInfo<Engine>& info);

// An empty database of its own that goes with this object: a file (in memory, where the machine allows it), or a
// database of PostgresCluster::shared(). Any number of Database objects may be opened on it; close them first.
class Place {
 public:
  explicit Place(Engine engine);
  Place(Place&&) noexcept;
  Place& operator=(Place&&) = delete;
  ~Place();
  const std::string& url() const { return url_; }
  // `options.url` is filled in.
  std::unique_ptr<Database> open(Options options = {}) const;

 private:
  std::string url_;
  std::filesystem::path folder_;
  std::string database_;
};

// A database with the schema of the product, or with `known` alone. Behaves as a pointer to it.
class Fresh {
 public:
  Fresh() = default;
  Fresh(Place place, std::unique_ptr<Database> db)
      : place_(std::make_unique<Place>(std::move(place))), db_(std::move(db)) {}
  Database& operator*() const { return *db_; }
  Database* operator->() const { return db_.get(); }
  Database* get() const { return db_.get(); }
  const Place& place() const { return *place_; }

 private:
  std::unique_ptr<Place> place_;
  std::unique_ptr<Database> db_;  // closed before its place goes
};

Fresh fresh_database(Engine engine, Options options = {});
Fresh fresh_database(Engine engine, std::span<const Migration> known, Options options = {});

}  // namespace toll::sql::testing
