#include "identity/login_throttle.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace toll::identity {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class LoginThrottleTest : public ::testing::Test {
 protected:
  bool fail(std::string_view email = "ada@example.org", std::string_view address = "192.0.2.1") {
    return throttle.begin(email, address).has_value();
  }
  TestClock clock;
  LoginThrottle throttle{clock};
};

TEST_F(LoginThrottleTest, ten_failures_and_no_more) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(fail()) << i;
  const auto refused = throttle.begin("ada@example.org", "192.0.2.1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::too_many_logins);
  EXPECT_EQ(refused.error().retry_after(), minutes(15));
}

TEST_F(LoginThrottleTest, a_place_is_free_when_the_oldest_failure_is_old_enough) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(fail());
    clock.advance(minutes(1));
  }
  EXPECT_FALSE(fail());
  clock.advance(minutes(5) - seconds(1));
  EXPECT_EQ(throttle.begin("ada@example.org", "192.0.2.1").error().retry_after(), seconds(1));
  clock.advance(seconds(1));
  EXPECT_TRUE(fail());
  EXPECT_FALSE(fail());
}

TEST_F(LoginThrottleTest, writing_the_email_in_another_case_does_not_help) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(fail(i % 2 ? "ADA@example.org" : " ada@Example.org"));
  EXPECT_FALSE(fail());
}

TEST_F(LoginThrottleTest, another_address_or_account_is_not_locked_out) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(fail());
  EXPECT_TRUE(fail("ada@example.org", "192.0.2.2"));
  EXPECT_TRUE(fail("bob@example.org"));
}

TEST_F(LoginThrottleTest, right_passwords_do_not_count) {
  for (int i = 0; i < 50; ++i) {
    auto attempt = throttle.begin("ada@example.org", "192.0.2.1");
    ASSERT_TRUE(attempt);
    attempt->passed();
  }
}

TEST_F(LoginThrottleTest, parallel_guesses_are_ten_too) {
  std::atomic<int> admitted{0};
  {
    std::vector<std::jthread> crowd;
    for (int t = 0; t < 8; ++t)
      crowd.emplace_back([&] {
        for (int i = 0; i < 20; ++i)
          if (fail()) ++admitted;
      });
  }
  EXPECT_EQ(admitted.load(), 10);
}

TEST_F(LoginThrottleTest, memory_is_bounded_and_the_longest_unused_goes_first) {
  LoginThrottle small(clock, {.failures = 1, .window = minutes(15), .capacity = 100});
  for (int i = 0; i < 150; ++i) {
    EXPECT_TRUE(small.begin("user" + std::to_string(i) + "@example.org", "192.0.2.1"));
    clock.advance(seconds(1));
  }
  EXPECT_FALSE(small.begin("user149@example.org", "192.0.2.1"));
  EXPECT_TRUE(small.begin("user0@example.org", "192.0.2.1"));
}

}  // namespace
}  // namespace toll::identity
