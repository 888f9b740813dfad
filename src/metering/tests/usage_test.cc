#include "metering/usage.h"

#include <gtest/gtest.h>

#include <random>
#include <semaphore>

#include "metering/tests/fixture.h"
#include "metering/usage/rollup.h"
#include "metering/usage_report.h"

namespace toll::metering {
namespace {

using namespace std::chrono_literals;

class UsageTest : public DatabaseTest {
 protected:
  UsageRecord row(std::string_view endpoint, int status, Micros duration = 120us) {
    return {.account = AccountId(7),
            .subject = Subject::of_key(key),
            .endpoint = endpoint,
            .status = status,
            .charged = status != 429,
            .duration = duration,
            .at = clock.now()};
  }
  UsageReport report(Micros back = 24h * 7) {
    return db().read([&](sql::Tx& tx) { return usage_of_key(tx, key, clock.now() - back, clock.now()); });
  }
  // By hand only: the recorder's own thread sleeps, and the clock stands still while hours are added up.
  UsageRecorder::Options by_hand() { return {.interval = 24h, .capacity = 4096, .rolls_up = false}; }
  void roll_up_now() { roll_up(db(), clock.now()); }

  TestClock clock{Time(1'750'075'200s)};  // 2025-06-16T12:00:00Z
  const KeyId key{"0123abcd-4567-4890-8bcd-ef0123456789"};
};

TEST_P(UsageTest, a_report_counts_by_endpoint_and_by_status_and_all_sums_agree) {
  UsageRecorder usage(db(), clock, by_hand());
  for (int i = 0; i < 3; ++i) usage.record(row("/tracks", 200));
  usage.record(row("/recommendations", 200));
  usage.record(row("/tracks/{track_id}", 404));
  EXPECT_EQ(report().total, 0);
  usage.flush();
  const auto seen = report();
  EXPECT_EQ(seen.total, 5);
  EXPECT_EQ(seen.successful, 4);
  EXPECT_EQ(seen.failed, 1);
  EXPECT_EQ(seen.by_endpoint, (std::vector<std::pair<std::string, std::int64_t>>{
                                  {"/tracks", 3}, {"/recommendations", 1}, {"/tracks/{track_id}", 1}}));
  EXPECT_EQ(seen.by_status, (std::vector<std::pair<int, std::int64_t>>{{200, 4}, {404, 1}}));
  EXPECT_DOUBLE_EQ(seen.average_ms, 0.12);
}

TEST_P(UsageTest, another_key_is_another_report) {
  UsageRecorder usage(db(), clock, by_hand());
  usage.record(row("/tracks", 200));
  auto other = row("/tracks", 500);
  other.subject = Subject::of_key(KeyId("other"));
  usage.record(other);
  usage.flush();
  EXPECT_EQ(report().total, 1);
  EXPECT_EQ(report().failed, 0);
}

TEST_P(UsageTest, a_minute_that_is_flushed_many_times_adds_up) {
  UsageRecorder usage(db(), clock, by_hand());
  for (int i = 0; i < 10; ++i) {
    usage.record(row("/tracks", 200));
    usage.flush();
    clock.advance(20s);
  }
  EXPECT_EQ(report().total, 10);
}

TEST_P(UsageTest, two_recorders_of_one_minute_add_up) {
  UsageRecorder one(db(), clock, by_hand()), two(db(), clock, by_hand());
  for (auto* usage : {&one, &two, &one}) {
    usage->record(row("/tracks", 200));
    usage->flush();
  }
  EXPECT_EQ(report().total, 3);
}

TEST_P(UsageTest, a_clock_that_goes_back_overwrites_nothing) {
  UsageRecorder usage(db(), clock, by_hand());
  for (auto step : {0s, 300s, -300s, -7200s, 7200s, 86'400s, -86'400s}) {
    clock.advance(step);
    usage.record(row("/tracks", 200));
    usage.flush();
  }
  clock.advance(24h * 2);
  EXPECT_EQ(report().total, 7);
}

TEST_P(UsageTest, an_answer_that_comes_late_is_counted) {
  UsageRecorder usage(db(), clock, by_hand());
  const auto late = row("/tracks", 200);
  clock.advance(5min);
  usage.record(row("/tracks", 200));
  usage.flush();
  usage.record(late);
  usage.flush();
  EXPECT_EQ(report().total, 2);
}

TEST_P(UsageTest, rolling_up_changes_no_number) {
  UsageRecorder usage(db(), clock, by_hand());
  std::mt19937 chance(1);
  for (int i = 0; i < 600; ++i) {
    usage.record(row(chance() % 2 ? "/tracks" : "/playlists", chance() % 5 ? 200 : 404, Micros(chance() % 100'000)));
    if (i % 10 == 0) usage.flush();
    clock.advance(Micros(chance() % 600'000'000));
  }
  usage.flush();
  const auto before = report(24h * 9);
  roll_up_now();
  EXPECT_GT(db().read([](sql::Tx& tx) { return rolled_up(tx); }).days, 20'000);
  const auto after = report(24h * 9);
  EXPECT_EQ(before.total, 600);
  EXPECT_EQ(after.total, before.total);
  EXPECT_EQ(after.by_endpoint, before.by_endpoint);
  EXPECT_EQ(after.by_status, before.by_status);
  EXPECT_EQ(after.average_ms, before.average_ms);
  EXPECT_EQ(after.p99_ms, before.p99_ms);
  // The days are read, not the minutes.
  db().write([](sql::Tx& tx) {
    return tx.exec("DELETE FROM usage_minutes WHERE minute < (SELECT hours_done * 60 FROM usage_state)") > 0;
  });
  EXPECT_GE(report(24h * 9).total, before.total - 2) << "only the minutes at the edge are missing";
}

TEST_P(UsageTest, the_edge_of_a_report_is_a_minute) {
  UsageRecorder usage(db(), clock, by_hand());
  clock.advance(30s);
  for (auto step : {60s, 60s, 60s}) {
    usage.record(row("/tracks", 200));
    clock.advance(step);
  }
  usage.flush();
  clock.advance(24h * 30 - 3min);
  roll_up_now();
  EXPECT_EQ(report(24h * 30).total, 3);
  clock.advance(1min);
  EXPECT_EQ(report(24h * 30).total, 2);
  clock.advance(1min);
  EXPECT_EQ(report(24h * 30).total, 1);
}

TEST_P(UsageTest, what_is_written_into_a_rolled_up_hour_is_added_to_it) {
  UsageRecorder usage(db(), clock, by_hand());
  usage.record(row("/tracks", 200));
  usage.flush();
  const auto early = row("/tracks", 200);
  clock.advance(24h * 3);
  roll_up_now();
  // As if the database had been away for three days: the sum waited in memory.
  UsageRecorder slow(db(), clock, by_hand());
  slow.record(early);
  slow.record(row("/tracks", 200));
  slow.flush();
  EXPECT_EQ(report().total, 3) << "before the hour is added up anew";
  roll_up_now();
  EXPECT_EQ(report().total, 3);
}

TEST_P(UsageTest, rows_older_than_a_report_can_reach_are_deleted) {
  UsageRecorder usage(db(), clock, by_hand());
  usage.record(row("/tracks", 200));
  usage.flush();
  clock.advance(24h * 1);
  roll_up_now();
  clock.advance(24h * (kept_days + 2));
  roll_up_now();
  db().read([](sql::Tx& tx) {
    EXPECT_EQ(tx.one("SELECT count(*) FROM usage_minutes").value().integer(0), 0);
    EXPECT_EQ(tx.one("SELECT count(*) FROM usage_hours").value().integer(0), 0);
    return true;
  });
}

TEST_P(UsageTest, a_full_buffer_drops_and_counts) {
  auto options = by_hand();
  options.capacity = 4;
  UsageRecorder usage(db(), clock, options);
  // The half-full shard wakes the thread, which may empty it at any time.
  std::uint64_t sent = 0;
  while (usage.dropped() == 0) usage.record(row("/tracks", 200)), ++sent;
  usage.flush();
  EXPECT_EQ(report().total, static_cast<std::int64_t>(sent - usage.dropped()));
}

TEST_P(UsageTest, a_good_stop_loses_nothing) {
  {
    UsageRecorder usage(db(), clock, by_hand());
    usage.record(row("/tracks", 200));
  }
  EXPECT_EQ(report().total, 1);
}

TEST_P(UsageTest, many_threads_lose_no_call) {
  {
    UsageRecorder usage(db(), clock, {.interval = 5ms});
    std::vector<std::jthread> crowd;
    for (int t = 0; t < 8; ++t)
      crowd.emplace_back([&] {
        for (int i = 0; i < 2000; ++i) usage.record(row("/tracks", 200));
      });
  }
  EXPECT_EQ(report().total, 16'000);
}

TEST_P(UsageTest, a_call_that_comes_while_the_recorder_writes_and_is_stopped_is_written) {
  std::unique_ptr<UsageRecorder> usage;
  std::binary_semaphore writing{0};
  bool first = true;
  UsageRecorder::Options options{.interval = 1ms};
  options.note_uses = [&](sql::Tx&, std::span<const KeyUse>) {
    if (!std::exchange(first, false)) return;
    usage->record(row("/tracks", 200));
    writing.release();
    std::this_thread::sleep_for(100ms);  // long enough for the end to be asked for
  };
  usage = std::make_unique<UsageRecorder>(db(), clock, options);
  usage->record(row("/tracks", 200));
  writing.acquire();
  usage.reset();
  EXPECT_EQ(report().total, 2);
}

TEST_P(UsageTest, the_uses_of_keys_are_told_once) {
  std::vector<KeyUse> told;
  auto options = by_hand();
  options.note_uses = [&](sql::Tx&, std::span<const KeyUse> uses) {
    told.insert(told.end(), uses.begin(), uses.end());
  };
  UsageRecorder usage(db(), clock, options);
  auto first = row("/tracks", 200);
  first.address = {0, 0xffff'0a00'0001};
  usage.record(first);
  clock.advance(1s);
  usage.record(row("/tracks", 429));
  auto session = row("/tracks", 200);
  session.subject = Subject::of_sessions(AccountId(7));
  usage.record(session);
  usage.flush();
  usage.flush();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].key, key);
  EXPECT_EQ(told[0].calls, 2);
  EXPECT_EQ(told[0].last, clock.now());
  EXPECT_EQ(told[0].address, first.address);
}

TEST_P(UsageTest, what_was_charged_today_is_known_after_a_restart) {
  {
    UsageRecorder usage(db(), clock, by_hand());
    clock.advance(-3h);
    usage.record(row("/tracks", 200));
    clock.advance(3h - 1min);
    usage.record(row("/tracks", 200));
    clock.advance(10min + 1min);
    usage.record(row("/tracks", 200));
    usage.record(row("/tracks", 429));
    clock.advance(5min);
    usage.record(row("/tracks", 200));
  }
  roll_up_now();
  const auto known = db().read([&](sql::Tx& tx) { return charged_in_current_windows(tx, clock.now(), true); });
  ASSERT_EQ(known.size(), 2u);
  for (const auto& [subject, counts] : known) {
    EXPECT_TRUE(subject == Subject::of_key(key) || subject == Subject::of_account(AccountId(7)));
    EXPECT_EQ(counts[0].used, 1);
    EXPECT_EQ(counts[1].used, 2);
    EXPECT_EQ(counts[2].used, 4);
    EXPECT_EQ(counts[1].number, Windows::number_of(Window::hour, clock.now()));
  }
  clock.advance(24h);
  EXPECT_TRUE(db().read([&](sql::Tx& tx) { return charged_in_current_windows(tx, clock.now(), true); }).empty());
}

TOLL_ON_EVERY_ENGINE(UsageTest);

}  // namespace
}  // namespace toll::metering
