#include "http/client.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdlib>

#include "http/tests/certificate.h"
#include "http/tests/running_server.h"
#include "http/url.h"

namespace toll::http {
namespace {

using namespace std::chrono_literals;

asio::awaitable<void> fetch_into(ClientRequest request, std::optional<Result<ClientResponse>>& answer) {
  answer = co_await fetch(std::move(request));
}

Result<ClientResponse> run(ClientRequest request) {
  asio::io_context io;
  std::optional<Result<ClientResponse>> answer;
  asio::co_spawn(io, fetch_into(std::move(request), answer), asio::detached);
  io.run();
  return std::move(answer).value();
}

ClientRequest request_to(std::string url) {
  ClientRequest request;
  request.url = std::move(url);
  return request;
}

std::string local(std::uint16_t port, const std::string& rest = "/") {
  return "http://127.0.0.1:" + std::to_string(port) + rest;
}

TEST(Client, sends_a_request_and_reads_the_answer) {
  RunningServer server([](const Request& request, BodyReader& body) -> asio::awaitable<Response> {
    auto response = co_await echo(request, body);
    response.status = 404;
    response.fields.add("X-Seen", request.fields.get("X-Mine"));
    response.fields.add("X-Host", request.fields.get("Host"));
    co_return response;
  });
  auto request = request_to(local(server.port(), "/a?b#c"));
  request.method = Method::post;
  request.body = "text";
  request.fields.add("X-Mine", "me");
  const auto answer = run(request);
  ASSERT_TRUE(answer) << answer.error().describe();
  EXPECT_EQ(answer->status, 404) << "a status is no fault";
  EXPECT_EQ(answer->body, "POST /a?b text");
  EXPECT_EQ(answer->fields.get("x-seen"), "me");
  EXPECT_EQ(answer->fields.get("x-host"), "127.0.0.1:" + std::to_string(server.port()));
  request.method = Method::head;
  request.body.clear();
  EXPECT_EQ(run(request)->body, "");
}

TEST(Client, is_bounded_in_size) {
  RunningServer server([](const Request&, BodyReader&) -> asio::awaitable<Response> {
    co_return text_response(std::string(1000, 'x'));
  });
  auto request = request_to(local(server.port()));
  request.max_response = 1000;
  EXPECT_EQ(run(request)->body.size(), 1000u);
  request.max_response = 999;
  EXPECT_EQ(run(request).error().reason(), Reason::upstream_failed);
}

TEST(Client, is_bounded_in_time) {
  RunningServer server([](const Request&, BodyReader&) -> asio::awaitable<Response> {
    asio::steady_timer timer(co_await asio::this_coro::executor, 2500ms);
    co_await timer.async_wait(asio::use_awaitable);
    co_return text_response("late");
  });
  auto request = request_to(local(server.port()));
  request.timeout = 1s;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(run(request).error().reason(), Reason::upstream_failed);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
}

TEST(Client, says_why_nothing_came) {
  std::uint16_t closed_port;
  {
    RunningServer server;
    closed_port = server.port();
  }
  for (const std::string& url : {local(closed_port), std::string("http://no.such.host.invalid/"),
                                 std::string("ftp://x/"), std::string("http:///x"), std::string("http://user@host/"),
                                 std::string("http://a b/"), std::string("/relative")}) {
    const auto answer = run(request_to(url));
    ASSERT_FALSE(answer) << url;
    EXPECT_EQ(answer.error().reason(), Reason::upstream_failed);
    EXPECT_NE(answer.error().cause(), "");
  }
}

TEST(Client, connects_to_allowed_addresses_only) {
  RunningServer server;
  auto request = request_to(local(server.port()));
  request.allows = [](const asio::ip::address& address) { return !address.is_loopback(); };
  EXPECT_FALSE(run(request));
  EXPECT_TRUE(server.log(0).empty());
  request.allows = [](const asio::ip::address& address) { return address.is_loopback(); };
  EXPECT_TRUE(run(request));
}

TEST(Client, cannot_be_made_to_send_a_second_field) {
  RunningServer server;
  auto request = request_to(local(server.port()));
  request.fields.add("X-A", "b\r\nX-C: d");
  EXPECT_FALSE(run(request));
  EXPECT_TRUE(server.log(0).empty());
}

TEST(Client, trusts_the_systems_roots_and_the_right_name_only) {
  const Certificate trusted, stranger;
  ::setenv("SSL_CERT_FILE", trusted.certificate_file().c_str(), 1);  // what OpenSSL takes for the system's roots
  ServerOptions options;
  options.certificate_file = trusted.certificate_file();
  options.key_file = trusted.key_file();
  RunningServer server(echo, options);
  options.certificate_file = stranger.certificate_file();
  options.key_file = stranger.key_file();
  RunningServer other(echo, options);
  const auto answer = run(request_to("https://localhost:" + std::to_string(server.port()) + "/x"));
  ASSERT_TRUE(answer) << answer.error().describe();
  EXPECT_EQ(answer->body, "GET /x ");
  EXPECT_FALSE(run(request_to("https://127.0.0.1:" + std::to_string(server.port()) + "/x"))) << "another name";
  EXPECT_FALSE(run(request_to("https://localhost:" + std::to_string(other.port()) + "/x"))) << "an unknown issuer";
}

TEST(Url, is_split_for_the_wire) {
  const auto url = parse_url("HTTPS://Example.org:8443/a/b?c=d#e").value();
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host + " " + url.port + " " + url.authority + " " + url.target,
            "Example.org 8443 Example.org:8443 /a/b?c=d");
  const auto v6 = parse_url("http://[::1]?q").value();
  EXPECT_EQ(v6.host + " " + v6.port + " " + v6.authority + " " + v6.target, "::1 80 [::1] /?q");
  EXPECT_EQ(parse_url("https://a")->port, "443");
  for (const char* bad : {"", "http://", "http://:80/", "http://a:0/", "http://a:65536/", "http://a:x/", "http://[::1/",
                          "http://[::1]x/", "http://u:p@a/", "http://a\\b/", "http://a/\n", "gopher://a/"})
    EXPECT_EQ(parse_url(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace toll::http
