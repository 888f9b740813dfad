#include "metering/usage.h"

#include <gtest/gtest.h>

#include "metering/tests/fixture.h"

namespace toll::metering {
namespace {

class UsageTest : public DatabaseTest {
 protected:
  static UsageRecord row(int status, std::optional<KeyId> key = {}) {
    return {AccountId(7), key, "/jobs/{id}", "GET", status, Micros(120), from_micros(1'750'000'000'000'000)};
  }
  std::vector<UsageRecord> written() {
    return db().read([](sql::Tx& tx) { return recent_usage(tx, AccountId(7), 100); });
  }
  static constexpr UsageRecorder::Options by_hand{.capacity = 4, .interval = std::chrono::hours(1)};
};

TEST_P(UsageTest, rows_are_written_in_groups) {
  UsageRecorder usage(db(), by_hand);
  usage.record(row(200, KeyId("k")));
  usage.record(row(404));
  EXPECT_TRUE(written().empty());
  usage.flush();
  const auto rows = written();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].status, 404);
  EXPECT_EQ(rows[1].key, KeyId("k"));
  EXPECT_EQ(rows[1].endpoint, "/jobs/{id}");
  EXPECT_EQ(rows[1].duration, Micros(120));
}

TEST_P(UsageTest, a_full_ring_drops_and_counts) {
  UsageRecorder usage(db(), by_hand);
  for (int i = 0; i < 6; ++i) usage.record(row(200));
  EXPECT_EQ(usage.dropped(), 2u);
  usage.flush();
  EXPECT_EQ(written().size(), 4u);
  usage.record(row(200));
  EXPECT_EQ(usage.dropped(), 2u);
}

TEST_P(UsageTest, a_good_stop_loses_nothing) {
  {
    UsageRecorder usage(db(), by_hand);
    usage.record(row(200));
  }
  EXPECT_EQ(written().size(), 1u);
}

TOLL_ON_EVERY_ENGINE(UsageTest);

}  // namespace
}  // namespace toll::metering
