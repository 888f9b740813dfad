// Objects over a fresh database of either engine and a folder store of its own.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "blob/folder_store.h"
#include "objects/objects.h"
#include "sql/testing/databases.h"

namespace toll::objects {

class ObjectsTest : public ::testing::TestWithParam<sql::Engine> {
 protected:
  void SetUp() override {
    TOLL_SKIP_WITHOUT(GetParam());
    database_ = sql::testing::fresh_database(GetParam());
    // In memory where the machine allows it: each blob is synced.
    const std::filesystem::path memory = "/dev/shm";
    folder_ = (::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path()) /
              ("toll-objects-" + SystemRandom().uuid4());
    store_ = blob::open_folder_store(folder_);
  }
  void TearDown() override {
    store_.reset();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  sql::Database& db() { return *database_; }
  blob::Store& store() { return *store_; }

  std::unique_ptr<blob::Staged> stage(std::string_view text) {
    auto writer = store().create().value();
    writer->write(as_span(text)).value();
    return writer->finish().value();
  }
  Result<Object> attach(std::string_view text, const NewObject& object) {
    auto staged = stage(text);
    return db().write([&](sql::Tx& tx) { return objects.attach(tx, *staged, object); });
  }
  Object put(std::string_view text, std::string_view name, std::string_view owner = "job-1",
             std::string_view role = "stem") {
    return attach(text, {account, std::string(role), std::string(owner), std::string(name)}).value();
  }
  bool detach(const Object& object) {
    return db().write([&](sql::Tx& tx) { return objects.detach(tx, object.id); });
  }
  std::int64_t refs(const Sha256& digest) {
    return db().read([&](sql::Tx& tx) {
      const auto row = tx.one("SELECT refs FROM blobs WHERE digest = $1", hex(digest));
      return row ? row->integer(0) : -1;
    });
  }
  std::string content(const Sha256& digest) {
    const auto reader = store().open(digest).value();
    std::string text(reader->size(), '\0');
    reader->read_at(0, std::as_writable_bytes(std::span(text)));
    return text;
  }
  std::size_t files() {
    std::size_t count = 0;
    store().for_each([&](const Sha256&, std::uint64_t) { ++count; });
    return count;
  }

  TestClock clock;
  SystemRandom random;
  const Objects objects{clock, random};
  const AccountId account{7};

 private:
  sql::testing::Fresh database_;
  std::filesystem::path folder_;
  std::unique_ptr<blob::Store> store_;
};

#define TOLL_ON_EVERY_ENGINE(Suite)                                                            \
  INSTANTIATE_TEST_SUITE_P(Engines, Suite, ::testing::ValuesIn(::toll::sql::testing::engines), \
                           ::toll::sql::testing::engine_name)

}  // namespace toll::objects
