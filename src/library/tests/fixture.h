// A library over a fresh database of either engine and a folder store of its own.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "blob/folder_store.h"
#include "library/playlists.h"
#include "library/search.h"
#include "library/tracks.h"
#include "objects/sweeper.h"
#include "sql/testing/databases.h"

namespace toll::library {

class LibraryTest : public ::testing::TestWithParam<sql::Engine> {
 protected:
  void SetUp() override {
    TOLL_SKIP_WITHOUT(GetParam());
    database_ = sql::testing::fresh_database(GetParam());
    const std::filesystem::path memory = "/dev/shm";
    folder_ = (::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path()) /
              ("toll-library-" + SystemRandom().uuid4());
    store_ = blob::open_folder_store(folder_);
    sweeper_ = std::make_unique<objects::Sweeper>(*database_, *store_, clock, objects::Sweeper::Options{});
    tracks_ = std::make_unique<Tracks>(objects, *sweeper_, clock, random);
  }
  void TearDown() override {
    sweeper_.reset();
    store_.reset();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  sql::Database& db() { return *database_; }
  Tracks& tracks() { return *tracks_; }
  template <class F>
  auto write(F f) {
    return db().write([&](sql::Tx& tx) { return f(tx); });
  }
  template <class F>
  auto read(F f) {
    return db().read([&](sql::Tx& tx) { return f(tx); });
  }

  static TrackFields named(const std::string& name) {
    TrackFields fields;
    fields.name = name;
    return fields;
  }
  Track add(const TrackFields& fields) { return add(account, fields); }
  Track add(AccountId owner, const TrackFields& fields) {
    clock.advance(std::chrono::milliseconds(1));
    return write([&](sql::Tx& tx) { return tracks().create(tx, owner, fields); }).value();
  }
  Track add(const std::string& name) { return add(named(name)); }
  std::vector<TrackId> add_many(int count, const std::string& name = "T") {
    std::vector<TrackId> ids;
    for (int i = 0; i < count; ++i) ids.push_back(add(name + std::to_string(i)).id);
    return ids;
  }
  Result<Track> get(const TrackId& id) {
    return read([&](sql::Tx& tx) { return tracks().get(tx, account, id); });
  }
  NewAudio audio(std::string_view bytes) {
    auto writer = store_->create().value();
    writer->write(as_span(bytes)).value();
    return {writer->finish().value(), {}, {"audio/flac", "flac", 66150, 44100, 2, {}}};
  }
  std::size_t stored() {
    sweeper_->sweep();
    sweeper_->sweep();
    std::size_t count = 0;
    store_->for_each([&](const Sha256&, std::uint64_t) { ++count; });
    return count;
  }
  // Statements that a reading body runs: what a page costs must not grow with it.
  template <class F>
  int statements(F f) {
    return read([&](sql::Tx& tx) {
      Counting counting(tx);
      f(counting);
      return counting.count;
    });
  }

  TestClock clock;
  SystemRandom random;
  const objects::Objects objects{clock, random};
  const Playlists playlists{clock, random};
  const AccountId account{7}, stranger{8};

 private:
  struct Counting final : sql::Tx {
    explicit Counting(sql::Tx& tx) : inner(tx) {}
    sql::Engine engine() const override { return inner.engine(); }
    void script(std::string_view sql) override { inner.script(sql); }
    Outcome run(std::string_view sql, const std::vector<sql::Value>& args) override {
      ++count;
      return {inner.query_with(sql, args), 0};
    }
    sql::Tx& inner;
    int count = 0;
  };

  sql::testing::Fresh database_;
  std::filesystem::path folder_;
  std::unique_ptr<blob::Store> store_;
  std::unique_ptr<objects::Sweeper> sweeper_;
  std::unique_ptr<Tracks> tracks_;
};

#define TOLL_ON_EVERY_ENGINE(Suite)                                                            \
  INSTANTIATE_TEST_SUITE_P(Engines, Suite, ::testing::ValuesIn(::toll::sql::testing::engines), \
                           ::toll::sql::testing::engine_name)

}  // namespace toll::library
