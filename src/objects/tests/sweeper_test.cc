#include "objects/sweeper.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "objects/tests/fixture.h"

namespace toll::objects {
namespace {

struct Crash {};

class SweeperTest : public ObjectsTest {
 protected:
  Swept sweep() { return Sweeper(db(), store(), clock, {}).sweep(); }
  Swept audit() { return Sweeper(db(), store(), clock, {}).audit(); }
};

TEST_P(SweeperTest, takes_what_nobody_refers_to_and_nothing_else) {
  const auto gone = put("gone", "a");
  put("stays", "b");
  detach(gone);
  const auto swept = sweep();
  EXPECT_EQ(swept.blobs, 1u);
  EXPECT_EQ(swept.bytes, 4u);
  EXPECT_FALSE(store().exists(gone.digest));
  EXPECT_EQ(refs(gone.digest), -1);
  EXPECT_TRUE(store().exists(sha256("stays")));
  EXPECT_EQ(sweep().blobs, 0u);
}

TEST_P(SweeperTest, many_go_in_one_sweep) {
  for (int i = 0; i < 1203; ++i) put("text " + std::to_string(i), std::to_string(i));
  db().write([&](sql::Tx& tx) { return objects.detach_owner(tx, "job-1"); });
  EXPECT_EQ(sweep().blobs, 1203u);
  EXPECT_EQ(files(), 0u);
}

TEST_P(SweeperTest, a_reader_goes_on_reading) {
  const auto object = put("la la la", "a");
  const auto reader = store().open(object.digest).value();
  detach(object);
  sweep();
  std::string text(8, '\0');
  EXPECT_EQ(reader->read_at(0, std::as_writable_bytes(std::span(text))), 8u);
  EXPECT_EQ(text, "la la la");
}

TEST_P(SweeperTest, bytes_may_come_back) {
  detach(put("text", "a"));
  sweep();
  put("text", "a");
  sweep();
  EXPECT_EQ(content(sha256("text")), "text");
}

// Between the two steps of a sweep the bytes were attached and detached again: the second step must leave them, because
// the last durable state may still hold the reference.
TEST_P(SweeperTest, a_mark_does_not_survive_a_reference) {
  const auto first = put("text", "a");
  detach(first);
  db().write([&](sql::Tx& tx) { return tx.exec("UPDATE blobs SET condemned_at = $1", clock.now()); });
  detach(put("text", "b"));
  db().read([&](sql::Tx& tx) {
    EXPECT_TRUE(tx.one("SELECT condemned_at FROM blobs").value().is_null(0));
    return true;
  });
}

// The process died between publishing the file and the commit.
TEST_P(SweeperTest, a_file_without_a_row_is_removed_by_the_audit) {
  put("stays", "a");
  auto staged = stage("stray");
  EXPECT_THROW(db().write([&](sql::Tx& tx) -> Result<Object> {
    TOLL_TRY(objects.attach(tx, *staged, {account, "stem", "job-1", "b"}));
    throw Crash();
  }),
               Crash);
  ASSERT_TRUE(store().exists(sha256("stray")));
  EXPECT_EQ(sweep().blobs, 0u);
  const auto swept = audit();
  EXPECT_EQ(swept.strays, 1u);
  EXPECT_EQ(swept.bytes, 5u);
  EXPECT_FALSE(store().exists(sha256("stray")));
  EXPECT_TRUE(store().exists(sha256("stays")));
  EXPECT_EQ(refs(sha256("stray")), -1);
}

// The process died between removing the file and the commit: a row without references and without a file.
TEST_P(SweeperTest, a_row_whose_file_is_gone_is_swept_or_revived) {
  const auto one = put("one", "a"), two = put("two", "b");
  detach(one);
  detach(two);
  store().remove(one.digest);
  store().remove(two.digest);
  put("two", "c");
  EXPECT_EQ(sweep().blobs, 1u);
  EXPECT_EQ(content(two.digest), "two");
}

TEST_P(SweeperTest, a_missing_file_is_reported_and_the_row_kept) {
  const auto object = put("text", "a");
  store().remove(object.digest);
  EXPECT_EQ(audit().missing, 1u);
  EXPECT_EQ(refs(object.digest), 1);
}

TEST_P(SweeperTest, sweeps_by_itself_and_soon_when_woken) {
  Sweeper sweeper(db(), store(), clock, {.interval = std::chrono::hours(1)});
  sweeper.start();
  const auto object = put("text", "a");
  db().write([&](sql::Tx& tx) {
    tx.after_commit([&] { sweeper.wake(); });
    return objects.detach(tx, object.id);
  });
  for (int i = 0; i < 500 && files() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(files(), 0u);
}

// Threads attach and detach the same few contents while two sweepers sweep and audit and some transactions die.
TEST_P(SweeperTest, never_loses_what_is_referred_to) {
  constexpr int threads = 4, steps = 60, most_steps = 100 * steps;
  std::atomic<bool> running{true};
  std::atomic<std::uint64_t> removed{0};
  auto sweep_until_done = [&] {
    Sweeper sweeper(db(), store(), clock, {});
    while (running) {
      removed += sweeper.sweep().blobs;
      removed += sweeper.audit().strays;
    }
  };
  auto work = [&](int t) {
    std::mt19937 chance(static_cast<unsigned>(t) + 1);
    std::vector<Object> mine;
    // On until a sweeper has met work, however fast the machine is.
    for (int i = 0; i < steps || (removed == 0 && i < most_steps); ++i) {
      clock.advance(Micros(1));
      const auto text = "text " + std::to_string(chance() % 3);
      const NewObject wanted{account, "stem", "job-" + std::to_string(t), std::to_string(i)};
      const bool dies = chance() % 5 == 0;
      auto staged = stage(text);
      try {
        mine.push_back(db().write([&](sql::Tx& tx) -> Result<Object> {
                             auto made = TOLL_TRY(objects.attach(tx, *staged, wanted));
                             if (dies) throw Crash();
                             return made;
                           })
                           .value());
      } catch (const Crash&) {
      }
      for (const auto& object : mine) EXPECT_EQ(content(object.digest).size(), 6u);
      if (mine.size() > 1 || (!mine.empty() && chance() % 2 == 0)) {
        EXPECT_TRUE(detach(mine.front()));
        mine.erase(mine.begin());
      }
    }
    for (const auto& object : mine) EXPECT_TRUE(detach(object));
  };
  {
    std::vector<std::jthread> sweepers;
    for (int i = 0; i < 2; ++i) sweepers.emplace_back(sweep_until_done);
    {
      std::vector<std::jthread> crowd;
      for (int t = 0; t < threads; ++t) crowd.emplace_back(work, t);
    }
    running = false;
  }
  sweep();
  audit();
  EXPECT_GT(removed.load(), 0u);
  EXPECT_EQ(files(), 0u);
  EXPECT_TRUE(db().read([](sql::Tx& tx) { return tx.query("SELECT 1 FROM blobs"); }).empty());
}

TOLL_ON_EVERY_ENGINE(SweeperTest);

}  // namespace
}  // namespace toll::objects
