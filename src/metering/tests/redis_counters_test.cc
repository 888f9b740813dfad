#include <gtest/gtest.h>
#include "metering/counters/redis.h"

#include <future>

#include "metering/tests/redis_server.h"

namespace toll::metering {
namespace {

using namespace std::chrono_literals;

constexpr Time noon{std::chrono::seconds(1'750'075'200)};
constexpr Limits limits{10, 100, 1000};

Verdict charged(Counters& counters, const Demand& demand, Time now) {
  if (auto known = counters.charge_now(demand, now)) return *known;
  std::promise<Verdict> answer;
  counters.charge(demand, now, [&](const Verdict& verdict) { answer.set_value(verdict); });
  return answer.get_future().get();
}

class RedisCountersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::available()) GTEST_SKIP() << "redis-server is not installed";
    server = std::make_unique<RedisServer>();
  }
  RedisOptions options() const { return {.url = server->url()}; }
  static bool wait_for(const Counters& counters, bool down) {
    for (int i = 0; i < 600 && counters.state().down != down; ++i) std::this_thread::sleep_for(10ms);
    return counters.state().down == down;
  }
  std::unique_ptr<RedisServer> server;
  const Demand demand{{0x4000, 1}, limits, {}};
};

TEST_F(RedisCountersTest, two_processes_share_one_limit) {
  const auto one = redis_counters(options()), two = redis_counters(options());
  int passed = 0;
  for (int i = 0; i < 20; ++i) passed += charged(i % 2 ? *one : *two, demand, noon).admitted;
  EXPECT_EQ(passed, 10);
  EXPECT_EQ(one->state().local, 0u);
}

TEST_F(RedisCountersTest, a_silent_redis_is_waited_for_50_ms_and_then_no_more) {
  const auto counters = redis_counters(options());
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(charged(*counters, demand, noon).admitted);
  server->freeze();
  const auto since = std::chrono::steady_clock::now();
  int passed = charged(*counters, demand, noon).admitted;
  const auto waited = std::chrono::steady_clock::now() - since;
  EXPECT_GE(waited, 45ms);
  EXPECT_LT(waited, 2s) << "on a machine with something else to do";
  EXPECT_TRUE(counters->state().down);
  EXPECT_TRUE(counters->charge_now(demand, noon).has_value()) << "nobody waits any more";
  for (int i = 0; i < 10; ++i) passed += charged(*counters, demand, noon).admitted;
  EXPECT_LE(passed, 2) << "with the call before, what Redis had told before still counts";
  EXPECT_EQ(counters->state().outages, 1u);
  server->thaw();
  EXPECT_TRUE(wait_for(*counters, false));
}

TEST_F(RedisCountersTest, an_operator_may_have_calls_refused_instead) {
  auto refusing = options();
  refusing.down = RedisOptions::Down::refuse;
  const auto counters = redis_counters(refusing);
  EXPECT_TRUE(charged(*counters, demand, noon).admitted);
  server->stop();
  const auto verdict = charged(*counters, demand, noon);
  EXPECT_FALSE(verdict.admitted);
  EXPECT_TRUE(verdict.unavailable);
  server->start();
  EXPECT_TRUE(wait_for(*counters, false));
  EXPECT_FALSE(charged(*counters, demand, noon).unavailable);
}

TEST_F(RedisCountersTest, a_redis_that_forgot_everything_is_told) {
  const auto counters = redis_counters(options());
  for (int i = 0; i < 6; ++i) charged(*counters, demand, noon);
  server->restart();
  int passed = charged(*counters, demand, noon).admitted;  // by ourselves
  ASSERT_TRUE(wait_for(*counters, false));
  for (int i = 0; i < 10; ++i) passed += charged(*counters, demand, noon).admitted;
  EXPECT_EQ(passed, 4);
  // Another process hears of it through Redis.
  EXPECT_FALSE(charged(*redis_counters(options()), demand, noon).admitted);
}

TEST_F(RedisCountersTest, a_start_without_redis_counts_alone_until_it_comes) {
  server->stop();
  const auto counters = redis_counters(options());
  EXPECT_TRUE(counters->state().down);
  int passed = 0;
  for (int i = 0; i < 20; ++i) passed += charged(*counters, demand, noon).admitted;
  EXPECT_EQ(passed, 10);
  server->start();
  ASSERT_TRUE(wait_for(*counters, false));
  EXPECT_FALSE(charged(*counters, demand, noon).admitted);
}

TEST_F(RedisCountersTest, a_redis_that_takes_no_writes_is_as_good_as_none_and_said_once) {
  server->command("CONFIG SET maxmemory 1");
  const auto counters = redis_counters(options());
  for (int i = 0; i < 20; ++i) charged(*counters, demand, noon);
  std::this_thread::sleep_for(200ms);
  EXPECT_TRUE(counters->state().down);
  EXPECT_EQ(counters->state().outages, 1u);
  server->command("CONFIG SET maxmemory 0");
  EXPECT_TRUE(wait_for(*counters, false));
}

TEST_F(RedisCountersTest, a_flushed_script_is_loaded_anew) {
  RedisLink link(parse_redis_url(server->url()), "t:");
  const CountingCall call{true, noon, {{{1, 2}, limits, {}}}};
  const CountingCall* calls[] = {&call, &call, &call};
  const auto later = [] { return std::chrono::steady_clock::now() + 5s; };
  EXPECT_EQ(link.run(calls, later()).back().counts[0][0].used, 3);
  RedisLink other(parse_redis_url(server->url()), "t:");
  other.flush_scripts();
  EXPECT_EQ(link.run(calls, later()).back().counts[0][0].used, 6);
}

TEST(RedisUrl, names_host_port_login_and_database) {
  const auto address = parse_redis_url("redis://me:p%40ss@[::1]:7000/3");
  EXPECT_EQ(address.host, "::1");
  EXPECT_EQ(address.port, 7000);
  EXPECT_EQ(address.user, "me");
  EXPECT_EQ(address.password, "p@ss");
  EXPECT_EQ(address.database, 3);
  EXPECT_EQ(parse_redis_url("redis://cache").port, 6379);
  EXPECT_EQ(parse_redis_url("unix:///run/redis.sock").unix_path, "/run/redis.sock");
  for (auto bad : {"", "http://x", "redis://", "redis://h:99999", "redis://h/x", "unix://relative", "redis://a%4@h"})
    EXPECT_THROW(parse_redis_url(bad), std::invalid_argument) << bad;
}

}  // namespace
}  // namespace toll::metering
