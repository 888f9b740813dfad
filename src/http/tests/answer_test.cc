// How answers leave: bodies, files, sources, and the end of the server.
#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "http/tests/running_server.h"
#include "http/tests/wire.h"

namespace toll::http {
namespace {

using namespace std::chrono_literals;

const std::string get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 2654435761u >> 13);
  return text;
}

FileSlice file_of(const std::string& content) {
  const int fd = ::memfd_create("slice", MFD_CLOEXEC);
  if (::write(fd, content.data(), content.size()) != static_cast<ssize_t>(content.size()))
    throw std::runtime_error("write");
  FileSlice slice;
  slice.keep = std::shared_ptr<const void>(nullptr, [fd](const void*) { ::close(fd); });
  slice.fd = fd;
  slice.length = content.size();
  return slice;
}

class MemorySource final : public Source {
 public:
  explicit MemorySource(std::string bytes, std::uint64_t broken_at = UINT64_MAX)
      : bytes_(std::move(bytes)), broken_at_(broken_at) {}
  asio::awaitable<Result<std::size_t>> read_at(std::uint64_t offset, std::span<char> out) override {
    if (offset >= broken_at_) co_return Fault(Reason::upstream_failed);
    const std::size_t count = std::min<std::size_t>({out.size(), 1000, bytes_.size() - offset});
    std::memcpy(out.data(), bytes_.data() + offset, count);
    co_return count;
  }

 private:
  std::string bytes_;
  std::uint64_t broken_at_;
};

SourceSlice source_of(std::string bytes, std::uint64_t broken_at = UINT64_MAX) {
  const auto size = bytes.size();
  SourceSlice slice;
  slice.source = std::make_shared<MemorySource>(std::move(bytes), broken_at);
  slice.length = size;
  return slice;
}

Handle always(Response response) {
  return [response = std::move(response)](const Request& request, BodyReader&) -> asio::awaitable<Response> {
    co_return apply_conditions(request, response);
  };
}

TEST(Answer, to_head_is_the_one_to_get_without_its_body) {
  RunningServer server(always(text_response("twelve bytes")));
  Wire wire(server.port());
  const auto answer = wire.ask("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", true);
  EXPECT_EQ(answer.field("Content-Length"), "12");
  EXPECT_EQ(wire.ask(get).body, "twelve bytes") << "nothing was left on the line";
}

TEST(Answer, without_content_says_so_by_its_status) {
  for (const int status : {204, 304}) {
    RunningServer server(always(text_response("ignored", status)));
    Wire wire(server.port());
    for (int i = 0; i < 2; ++i) {
      const auto answer = wire.ask(get);
      EXPECT_EQ(answer.status, status);
      EXPECT_EQ(answer.field("Content-Length"), "");
    }
  }
}

TEST(Answer, that_is_empty_has_a_length) {
  RunningServer server(always(Response{}));
  EXPECT_EQ(Wire(server.port()).ask(get).field("Content-Length"), "0");
}

TEST(Answer, cannot_be_split_by_what_a_field_holds) {
  Response response = text_response("x");
  response.fields.add("X-Name", "a\r\nSet-Cookie: b\r\n\r\n");
  response.fields.add("Content-Length", "999");
  response.fields.add("Transfer-Encoding", "chunked");
  RunningServer server(always(response));
  const auto answer = Wire(server.port()).ask(get);
  EXPECT_EQ(answer.field("X-Name"), "a  Set-Cookie: b");
  EXPECT_EQ(answer.field("Set-Cookie"), "");
  EXPECT_EQ(answer.field("Content-Length"), "1");
  EXPECT_EQ(answer.field("Transfer-Encoding"), "");
}

TEST(Answer, of_a_handler_that_throws_is_a_bare_500) {
  RunningServer server([](const Request&, BodyReader&) -> asio::awaitable<Response> {
    throw std::runtime_error("a secret cause");
    co_return Response{};
  });
  Wire wire(server.port());
  for (int i = 0; i < 2; ++i) {
    const auto answer = wire.ask(get);
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.body.find("secret"), std::string::npos);
  }
}

TEST(Answer, of_any_size_and_kind_arrives_whole) {
  const std::string big = pattern(5'000'000);
  for (const std::size_t size : {0u, 1u, 16384u, 16385u, 5'000'000u}) {
    const std::string part = big.substr(0, size);
    RunningServer text(always(text_response(part)));
    EXPECT_TRUE(Wire(text.port()).ask(get).body == part) << size;
    Response mixed;
    mixed.stream = {std::string("<"), file_of(part), std::string("|"), source_of(big.substr(0, size / 10)),
                    std::string(">")};
    RunningServer server(always(mixed));
    Wire wire(server.port());
    for (int i = 0; i < 2; ++i)
      EXPECT_TRUE(wire.ask(get).body == "<" + part + "|" + big.substr(0, size / 10) + ">") << size;
    EXPECT_EQ(server.log(2).at(1).how.sent, size + size / 10 + 3);
  }
}

TEST(Answer, range_reaches_over_segments) {
  const std::string big = pattern(3'000'000);
  Response full;
  full.stream = {big.substr(0, 100), file_of(big.substr(100, 2'000'000)), source_of(big.substr(2'000'100, 899'900))};
  full.stream.push_back(big.substr(2'900'000));
  RunningServer server(always(full));
  Wire wire(server.port());
  struct Case {
    const char* range;
    std::size_t first, length;
  };
  for (const auto& [range, first, length] :
       {Case{"0-99", 0, 100}, Case{"50-149", 50, 100}, Case{"99-100", 99, 2},
        Case{"1000000-2500000", 1'000'000, 1'500'001}, Case{"2000099-2000100", 2'000'099, 2},
        Case{"-10", 2'999'990, 10}, Case{"2999999-", 2'999'999, 1}}) {
    const auto answer = wire.ask("GET / HTTP/1.1\r\nHost: x\r\nRange: bytes=" + std::string(range) + "\r\n\r\n");
    EXPECT_EQ(answer.status, 206) << range;
    EXPECT_TRUE(answer.body == big.substr(first, length)) << range;
    EXPECT_EQ(answer.field("Content-Range"),
              "bytes " + std::to_string(first) + "-" + std::to_string(first + length - 1) + "/3000000");
  }
}

TEST(Answer, that_cannot_be_finished_is_cut_and_reported) {
  Response broken;
  broken.stream = {source_of(pattern(10'000), 5000)};
  Response short_file;
  auto file = file_of(pattern(100));
  file.length = 200;
  short_file.stream = {file};
  for (const auto& response : {broken, short_file}) {
    RunningServer server(always(response));
    Wire wire(server.port());
    EXPECT_FALSE(wire.ask(get).complete);
    EXPECT_TRUE(wire.closed());
    EXPECT_TRUE(server.log(1).at(0).how.aborted);
  }
}

TEST(Answer, to_a_slow_reader_does_not_hold_up_the_others) {
  Response big;
  big.stream = {file_of(pattern(50'000'000))};
  ServerOptions options;
  options.threads = 1;
  RunningServer server(
      [&big](const Request& request, BodyReader&) -> asio::awaitable<Response> {
        if (request.path == "/big") co_return big;
        co_return text_response("small");
      },
      options);
  Wire slow(server.port(), 4096);
  slow.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  Wire quick(server.port());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(quick.ask(get).body, "small");
}

TEST(Served, tells_bytes_and_duration_once_a_request) {
  RunningServer server;
  Wire wire(server.port());
  wire.ask("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
  wire.ask("HEAD /b HTTP/1.1\r\nHost: x\r\n\r\n", true);
  const auto log = server.log(2);
  ASSERT_EQ(log.size(), 2u);
  EXPECT_EQ(log[0].target, "/a");
  EXPECT_EQ(log[0].how.status, 200);
  EXPECT_EQ(log[0].how.received, 4u);
  EXPECT_EQ(log[0].how.sent, std::strlen("POST /a body"));
  EXPECT_FALSE(log[0].how.aborted);
  EXPECT_EQ(log[1].how.sent, 0u);
}

asio::awaitable<Response> take_a_while(const Request& request, BodyReader&) {
  asio::steady_timer timer(co_await asio::this_coro::executor, request.path == "/long" ? 10s : 500ms);
  co_await timer.async_wait(asio::use_awaitable);
  co_return text_response("done");
}

TEST(Stop, lets_requests_in_flight_end_and_closes_idle_connections_at_once) {
  RunningServer server(take_a_while);
  Wire idle(server.port()), busy(server.port());
  busy.send(get + get);
  std::this_thread::sleep_for(100ms);
  server.stop();
  server.stop();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(idle.closed());
  EXPECT_LT(std::chrono::steady_clock::now() - start, 300ms);
  const auto answer = busy.receive();
  EXPECT_EQ(answer.body, "done");
  EXPECT_EQ(answer.field("Connection"), "close");
  busy.shutdown_send();
  server.join();
  EXPECT_EQ(server.log(1).size(), 1u) << "the pipelined one was not begun";
  EXPECT_THROW(Wire(server.port()), std::system_error);
}

TEST(Stop, cuts_connections_that_outlast_the_drain) {
  ServerOptions options;
  options.drain_time = 1s;
  options.idle_timeout = 60s;
  RunningServer server(echo, options);
  Wire stuck(server.port());
  stuck.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n");
  std::this_thread::sleep_for(100ms);
  const auto start = std::chrono::steady_clock::now();
  server.stop();
  server.join();
  EXPECT_GE(std::chrono::steady_clock::now() - start, 900ms);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
  EXPECT_TRUE(stuck.closed());
}

TEST(Stop, before_run_makes_run_return) {
  class Nothing final : public Handler {
    asio::awaitable<Response> handle(const Request&, BodyReader&) override { co_return Response{}; }
    Response refuse(int) override { return {}; }
    void served(const Request&, const Response&, const Served&) override {}
  } nothing;
  ServerOptions options;
  options.port = 0;
  auto server = make_server(options, nothing);
  server->stop();
  server->run();
  options.port = server->port();
  server.reset();
  auto first = make_server(options, nothing);
  EXPECT_THROW(make_server(options, nothing), std::system_error) << "the port is taken";
  options.host = "192.0.2.1";
  EXPECT_THROW(make_server(options, nothing), std::system_error) << "no address of this machine";
}

}  // namespace
}  // namespace toll::http
