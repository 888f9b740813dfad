#include "async/run_on.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>

namespace toll::async {
namespace {

asio::awaitable<void> hop(asio::thread_pool& pool, std::string& log) {
  const auto home = std::this_thread::get_id();
  auto away = co_await run_on(pool, [] { return std::this_thread::get_id(); });
  log += away != home ? "away " : "stayed ";
  log += std::this_thread::get_id() == home ? "home " : "lost ";
  auto fail = []() -> int { throw std::runtime_error("disk full"); };
  try {
    co_await run_on(pool, fail);
  } catch (const std::runtime_error& error) {
    log += error.what();
  }
}

TEST(RunOn, runs_away_and_resumes_at_home_with_values_and_exceptions) {
  asio::thread_pool pool(1);
  asio::io_context io(1);
  std::string log;
  asio::co_spawn(io, hop(pool, log), [](std::exception_ptr failed) {
    if (failed) std::rethrow_exception(failed);
  });
  io.run();
  EXPECT_EQ(log, "away home disk full");
}

}  // namespace
}  // namespace toll::async
