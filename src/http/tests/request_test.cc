// How requests are read: framing, order, refusals.
#include <gtest/gtest.h>

#include "http/tests/running_server.h"
#include "http/tests/wire.h"

namespace toll::http {
namespace {

using namespace std::chrono_literals;

TEST(Connection, stays_open_for_the_next_request) {
  RunningServer server;
  Wire wire(server.port());
  for (int i = 0; i < 3; ++i) {
    const auto answer = wire.ask("GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "GET /a?b=c ");
    EXPECT_EQ(answer.field("Connection"), "");
    EXPECT_EQ(answer.field("Date").size(), 29u);
  }
}

TEST(Connection, answers_pipelined_requests_in_their_order) {
  RunningServer server;
  Wire wire(server.port());
  std::string all;
  for (int i = 0; i < 100; ++i)
    all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
  wire.send(all);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(wire.receive().body, "POST /" + std::to_string(i) + " abc");
}

TEST(Connection, closes_when_asked_to) {
  RunningServer server;
  Wire wire(server.port());
  const auto answer = wire.ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n");
  EXPECT_EQ(answer.field("Connection"), "close");
  EXPECT_TRUE(wire.closed());
}

TEST(Connection, follows_the_rules_of_http_1_0) {
  RunningServer server;
  Wire once(server.port());
  EXPECT_EQ(once.ask("GET / HTTP/1.0\r\n\r\n").field("Connection"), "close");
  EXPECT_TRUE(once.closed());
  Wire kept(server.port());
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(kept.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").field("Connection"), "keep-alive");
}

TEST(Connection, serves_ten_thousand_requests_without_growing) {
  RunningServer server;
  Wire wire(server.port());
  std::string batch;
  for (int i = 0; i < 100; ++i)
    batch +=
        "POST /x HTTP/1.1\r\nHost: x\r\nX-Some: a header of some length, longer than a small "
        "string\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
  const auto round = [&] {
    wire.send(batch);
    for (int i = 0; i < 100; ++i) ASSERT_EQ(wire.receive().body, "POST /x ab");
  };
  round();
  const auto before = memory_kib("VmRSS");
  for (int i = 0; i < 100; ++i) round();
  const auto log_kib = server.log(10'100).size() * sizeof(RunningServer::Log) / 1024;
  EXPECT_LT(memory_kib("VmRSS"), before + 2 * log_kib + 1024);
}

TEST(Request, may_arrive_byte_by_byte) {
  RunningServer server;
  Wire wire(server.port());
  for (char c : std::string_view("\r\nPOST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"))
    wire.send({&c, 1});
  EXPECT_EQ(wire.receive().body, "POST /slow hello");
  for (char c : std::string_view("PUT /slow HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "5;a=\"b\"\r\nhello\r\n00b\r\n world wide\r\n0\r\nX-Trailer: 1\r\n\r\n"))
    wire.send({&c, 1});
  EXPECT_EQ(wire.receive().body, "PUT /slow hello world wide");
}

TEST(Request, shows_the_handler_what_was_sent) {
  const auto show = [](const Request& request, BodyReader&) -> asio::awaitable<Response> {
    co_return text_response(request.path + "|" + request.query + "|" + std::string(request.fields.get("x-thing")) +
                            "|" + request.remote + "|" + std::string(to_string(request.method)) + "|" +
                            std::to_string(request.fields.count("X-Thing")));
  };
  RunningServer server(show);
  Wire wire(server.port());
  EXPECT_EQ(wire.ask("DELETE /a%2Fb/?q=%20&r HTTP/1.1\r\nHost: x\r\nX-Thing:  one \t\r\nx-thing: two\r\n\r\n").body,
            "/a%2Fb/|q=%20&r|one|127.0.0.1|DELETE|2");
  EXPECT_EQ(wire.ask("GET http://other:80/p?q HTTP/1.1\r\nHost: x\r\n\r\n").body, "/p|q||127.0.0.1|GET|0");
}

TEST(Request, with_expectation_gets_100_only_when_its_body_is_read) {
  RunningServer server([](const Request& request, BodyReader& body) -> asio::awaitable<Response> {
    if (request.path == "/no") co_return text_response("no", 403);
    co_return co_await echo(request, body);
  });
  Wire wire(server.port());
  const std::string head = " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
  EXPECT_EQ(wire.ask("PUT /yes" + head).status, 100);
  EXPECT_TRUE(wire.silent_for(50ms));
  EXPECT_EQ(wire.ask("body").body, "PUT /yes body");
  EXPECT_EQ(wire.ask("PUT /yes" + head + "body").body, "PUT /yes body") << "it did not wait, so it needs no 100";
  const auto answer = wire.ask("PUT /no" + head);
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.field("Connection"), "close") << "whether the body still comes is not known";
  wire.shutdown_send();
  EXPECT_TRUE(wire.closed());
}

TEST(Request, that_two_servers_could_read_differently_is_refused) {
  RunningServer server;
  const std::string host = "Host: x\r\n";
  for (const std::string& bad : {
           "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
           "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
           "POST / HTTP/1.1\r\n" + host + "Content-Length: 3, 3\r\n\r\nabc",
           "POST / HTTP/1.1\r\n" + host + "Content-Length: +3\r\n\r\nabc",
           "POST / HTTP/1.1\r\n" + host + "Content-Length: 0x3\r\n\r\nabc",
           "POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\nabc",
           "POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\nabc",
           "POST / HTTP/1.1\r\n" + host + "Content-Length:\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host +
               "Transfer-Encoding: \x0b"
               "chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Content-Length : 3\r\n\r\nabc",
           std::string("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
           "GET / HTTP/1.1\r\n" + host + "X: a\r\n folded\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host + "X: a\r\n\tfolded\r\n\r\n",
           "GET / HTTP/1.1\r\n " + host + "\r\n",
           "GET / HTTP/1.1\n" + host + "\r\n",
           std::string("GET / HTTP/1.1\r\nHost: x\n\n"),
           "GET / HTTP/1.1\r\n" + host + "X: a\rb\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host + "X: a" + std::string(1, '\0') + "b\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host + "X Y: a\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host + ": a\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host + "no colon\r\n\r\n",
           std::string("GET / HTTP/1.1\r\n\r\n"),
           "GET / HTTP/1.1\r\n" + host + host + "\r\n",
           std::string("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
           std::string("GET / HTTP/1.1\r\nHost: a/b@c\r\n\r\n"),
           "GET  / HTTP/1.1\r\n" + host + "\r\n",
           "GET / HTTP/1.1 \r\n" + host + "\r\n",
           "GET / a HTTP/1.1\r\n" + host + "\r\n",
           "GET /\x01 HTTP/1.1\r\n" + host + "\r\n",
           "GET a HTTP/1.1\r\n" + host + "\r\n",
           "GET /a#b HTTP/1.1\r\n" + host + "\r\n",
           "CONNECT a:443 HTTP/1.1\r\n" + host + "\r\n",
           "GET / HTTP/2.0\r\n" + host + "\r\n",
           "GET / HTTP/1.2\r\n" + host + "\r\n",
           "GET /\r\n" + host + "\r\n",
           "G<T / HTTP/1.1\r\n" + host + "\r\n",
       }) {
    Wire wire(server.port());
    const auto answer = wire.ask(bad);
    EXPECT_EQ(answer.status, 400) << bad;
    EXPECT_EQ(answer.field("Connection"), "close") << bad;
    wire.shutdown_send();
    EXPECT_TRUE(wire.closed()) << bad;
  }
  EXPECT_TRUE(server.log(0).empty()) << "no handler has seen any of these";
}

TEST(Request, with_broken_chunks_is_told_so_and_never_read_on) {
  RunningServer server;
  for (const std::string bad :
       {"\r\n", "x\r\n", "-1\r\n", " 3\r\nabc\r\n", "3\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n", "3\r\nabcX\r\n", "0\r\n\n", "0\r\nX: \x01\r\n\r\n", "0\r\n folded\r\n\r\n",
        "1000000000000000\r\n", "3;a\rb\r\nabc\r\n", "3;a\nb\r\nabc\r\n"}) {
    Wire wire(server.port());
    const auto answer = wire.ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + bad);
    EXPECT_EQ(answer.status, 400) << bad;
    EXPECT_EQ(answer.body, "invalid_request") << bad;
    wire.shutdown_send();
    EXPECT_TRUE(wire.closed()) << bad;
  }
}

TEST(Request, has_bounded_chunk_lines_and_trailers) {
  RunningServer server;
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  Wire extension(server.port());
  EXPECT_EQ(extension.ask(head + "1;" + std::string(1025, 'a') + "\r\na\r\n0\r\n\r\n").status, 400);
  Wire trailer(server.port());
  EXPECT_EQ(trailer.ask(head + "0\r\nX: " + std::string(8192, 'a') + "\r\n\r\n").status, 400);
}

TEST(Body, over_its_limit_is_a_fault) {
  RunningServer server([](const Request&, BodyReader& body) -> asio::awaitable<Response> {
    auto text = co_await read_all(body, 1000);
    if (!text) co_return text_response(text.error().detail(), 413);
    co_return text_response(std::to_string(text->size()));
  });
  Wire wire(server.port());
  const std::string exact(1000, 'a');
  EXPECT_EQ(wire.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + exact).body, "1000");
  EXPECT_EQ(
      wire.ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + exact + "\r\n0\r\n\r\n")
          .body,
      "1000");
  const auto over =
      wire.ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + exact + "a\r\n0\r\n\r\n");
  EXPECT_EQ(over.status, 413);
  EXPECT_EQ(over.body, "The request body is larger than 1000 bytes");
  EXPECT_EQ(wire.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na").body, "1")
      << "the rest was thrown away";
}

TEST(Body, that_the_client_abandons_is_a_fault_and_an_aborted_request) {
  RunningServer server;
  {
    Wire wire(server.port());
    wire.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  }
  const auto log = server.log(1);
  ASSERT_EQ(log.size(), 1u);
  EXPECT_TRUE(log[0].how.aborted);
  EXPECT_EQ(log[0].how.received, 3u);
}

TEST(Body, left_unread_does_not_disturb_the_next_request) {
  RunningServer server(
      [](const Request& request, BodyReader&) -> asio::awaitable<Response> { co_return text_response(request.path); });
  Wire wire(server.port());
  EXPECT_EQ(wire.ask("POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + std::string(300000, 'x')).body,
            "/1");
  EXPECT_EQ(wire.ask("POST /2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").body,
            "/2");
  EXPECT_EQ(wire.ask("GET /3 HTTP/1.1\r\nHost: x\r\n\r\n").body, "/3");
}

}  // namespace
}  // namespace toll::http
