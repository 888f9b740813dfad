// What a client can make the server wait for, keep or read: all of it is bounded.
#include <gtest/gtest.h>

#include <thread>

#include "http/tests/running_server.h"
#include "http/tests/wire.h"

namespace toll::http {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

asio::awaitable<Response> no_thanks(const Request&, BodyReader&) {
  co_return text_response("no thanks", 413);
}

TEST(Limits, a_head_may_have_so_many_bytes) {
  ServerOptions options;
  options.max_header_bytes = 2000;
  RunningServer server(echo, options);
  const std::string start = "GET / HTTP/1.1\r\nHost: x\r\nX: ";
  Wire fits(server.port());
  EXPECT_EQ(fits.ask(start + std::string(2000 - start.size() - 4, 'x') + "\r\n\r\n").status, 200);
  Wire over(server.port());
  EXPECT_EQ(over.ask(start + std::string(2001 - start.size() - 4, 'x') + "\r\n\r\n").status, 431);
  Wire endless(server.port());
  EXPECT_EQ(endless.ask(start + std::string(100'000, 'x')).status, 431);
}

TEST(Limits, a_head_must_arrive_in_time_however_steadily_it_trickles) {
  ServerOptions options;
  options.header_timeout = 1s;
  RunningServer server(echo, options);
  Wire wire(server.port());
  const auto start = SteadyClock::now();
  wire.send("GET / HTTP/1.1\r\n");
  std::jthread trickle([&wire](std::stop_token stop) {
    while (!stop.stop_requested() && wire.send("X: y\r\n")) std::this_thread::sleep_for(50ms);
  });
  const auto answer = wire.receive();
  trickle.request_stop();
  EXPECT_EQ(answer.status, 408);
  EXPECT_GE(SteadyClock::now() - start, 1s);
  EXPECT_LT(SteadyClock::now() - start, 3s);
}

TEST(Limits, a_silent_connection_is_closed_without_a_word) {
  ServerOptions options;
  options.header_timeout = 1s;
  options.idle_timeout = 1s;
  RunningServer server(echo, options);
  Wire never_spoke(server.port());
  Wire spoke(server.port());
  EXPECT_EQ(spoke.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
  EXPECT_TRUE(never_spoke.closed());
  EXPECT_TRUE(spoke.closed());
}

TEST(Limits, a_body_that_stops_coming_is_a_fault) {
  ServerOptions options;
  options.idle_timeout = 1s;
  RunningServer server(echo, options);
  Wire wire(server.port());
  const auto answer = wire.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(answer.body, "request_timeout");
  EXPECT_EQ(answer.field("Connection"), "close");
}

TEST(Limits, a_client_that_stops_reading_is_cut_off) {
  ServerOptions options;
  options.idle_timeout = 1s;
  const std::string big(64 << 20, 'x');
  RunningServer server(
      [&big](const Request&, BodyReader&) -> asio::awaitable<Response> { co_return text_response(big); }, options);
  Wire wire(server.port(), 4096);
  wire.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto log = server.log(1);
  ASSERT_EQ(log.size(), 1u);
  EXPECT_TRUE(log[0].how.aborted);
  EXPECT_LT(log[0].how.sent, big.size());
}

TEST(Limits, there_are_so_many_connections_and_no_more) {
  ServerOptions options;
  options.max_connections = 2;
  RunningServer server(echo, options);
  const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  Wire first(server.port());
  auto second = std::make_unique<Wire>(server.port());
  EXPECT_EQ(first.ask(request).status, 200);
  EXPECT_EQ(second->ask(request).status, 200);
  Wire third(server.port());
  const auto refused = third.ask(request);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.body, "refused");
  second.reset();
  int status = 503;
  for (int i = 0; i < 100 && status == 503; ++i, std::this_thread::sleep_for(10ms))
    status = Wire(server.port()).ask(request).status;
  EXPECT_EQ(status, 200) << "a connection that ended makes room";
}

TEST(EarlyAnswer, to_a_small_body_keeps_the_connection) {
  RunningServer server(no_thanks);
  Wire wire(server.port());
  for (int i = 0; i < 2; ++i) {
    const auto answer =
        wire.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + std::string(1'000'000, 'x'));
    EXPECT_EQ(answer.status, 413);
    EXPECT_EQ(answer.field("Connection"), "");
  }
}

TEST(EarlyAnswer, to_a_big_body_can_be_read_by_a_client_that_sends_first) {
  ServerOptions options;
  options.discard_bytes = 32 << 20;
  RunningServer server(no_thanks, options);
  Wire wire(server.port());
  // More than the sockets hold; the client reads only after all of it is out.
  EXPECT_TRUE(
      wire.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n" + std::string(30'000'000, 'x')));
  EXPECT_EQ(wire.receive().body, "no thanks");
}

TEST(EarlyAnswer, to_an_endless_body_ends_the_connection) {
  ServerOptions options;
  options.discard_bytes = 1 << 20;
  RunningServer server(no_thanks, options);
  for (const std::string head :
       {"Content-Length: 99999999999\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n"}) {
    Wire wire(server.port());
    EXPECT_EQ(wire.ask("POST / HTTP/1.1\r\nHost: x\r\n" + head).status, 413);
    const std::string piece(1 << 20, 'x');
    int sent = 0;
    while (sent < 100 && wire.send(piece)) ++sent;
    EXPECT_LT(sent, 100) << head;
  }
}

TEST(EarlyAnswer, waits_for_the_rest_of_a_body_for_a_while_only) {
  ServerOptions options;
  options.discard_time = 1s;
  RunningServer server(no_thanks, options);
  Wire wire(server.port());
  const auto start = SteadyClock::now();
  EXPECT_EQ(wire.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc").status, 413);
  EXPECT_TRUE(wire.closed());
  EXPECT_GE(SteadyClock::now() - start, 900ms);
  EXPECT_LT(SteadyClock::now() - start, 4s);
}

TEST(Upload, of_any_size_takes_constant_memory) {
  const auto count = [](const Request&, BodyReader& body) -> asio::awaitable<Response> {
    std::uint64_t sum = 0;
    std::size_t largest = 0;
    for (;;) {
      auto piece = co_await body.read();
      if (!piece) co_return text_response("failed", 400);
      if (piece->empty()) break;
      sum += piece->size();
      largest = std::max(largest, piece->size());
    }
    co_return text_response(std::to_string(sum) + (largest <= (1 << 20) ? " in small pieces" : " in one piece"));
  };
  RunningServer server(count);
  const std::string piece(1 << 20, 'x');
  Wire wire(server.port());
  const auto before = memory_kib("VmHWM");
  wire.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 268435456\r\n\r\n");
  for (int i = 0; i < 256; ++i) ASSERT_TRUE(wire.send(piece));
  EXPECT_EQ(wire.receive().body, "268435456 in small pieces");
  wire.send("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 256; ++i) ASSERT_TRUE(wire.send("100000\r\n") && wire.send(piece) && wire.send("\r\n"));
  wire.send("0\r\n\r\n");
  EXPECT_EQ(wire.receive().body, "268435456 in small pieces");
  EXPECT_LT(memory_kib("VmHWM"), before + 3 * 1024);
}

}  // namespace
}  // namespace toll::http
