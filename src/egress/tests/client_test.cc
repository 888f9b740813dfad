#include "egress/client.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "egress/tests/little_server.h"

namespace toll::egress {
namespace {

using namespace std::chrono_literals;

Reason reason_of(const Result<Response>& result) {
  return result ? Reason::internal : result.error().reason();
}

TEST(Client, brings_an_answer_of_an_allowed_address) {
  LittleServer server([](const auto&) { return answer("200 OK", "hello", "X-Kind: test\r\n"); });
  const Client client{Guard({server.address()})};
  auto got =
      client.send({.method = "POST", .url = server.url("/a?b=c#d"), .headers = {{"X-Mine", "1"}}, .body = "sent"});
  ASSERT_TRUE(got) << got.error().describe();
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(got->body, "hello");
  EXPECT_EQ(got->header("x-kind"), "test");
  const auto request = server.requests().at(0);
  EXPECT_TRUE(request.starts_with("POST /a?b=c HTTP/1.1\r\n")) << request;
  EXPECT_NE(request.find("X-Mine: 1\r\n"), request.npos);
  EXPECT_TRUE(request.ends_with("\r\n\r\nsent"));
}

TEST(Client, connects_to_nothing_that_is_not_allowed) {
  LittleServer server([](const auto&) { return answer("200 OK", "secret"); });
  const Client client{Guard({})};
  const auto port = ":" + std::to_string(server.port()) + "/";
  for (const std::string host : {"127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::ffff:127.0.0.1]", "0"}) {
    auto refused = client.send({.url = "http://" + host + port});
    ASSERT_EQ(reason_of(refused), Reason::egress_forbidden) << host;
    EXPECT_EQ(refused.error().detail().find("127.0"), std::string::npos);
  }
  for (const std::string url : {"file:///etc/passwd", "http://u:p@127.0.0.1/", "nothing"})
    EXPECT_EQ(reason_of(client.send({.url = url})), Reason::egress_forbidden) << url;
  EXPECT_TRUE(server.requests().empty());
}

TEST(Client, connects_to_what_was_judged_even_if_the_name_leads_elsewhere_now) {
  LittleServer server([](const auto&) { return answer("200 OK", "judged"); });
  int asked = 0;
  const auto once = [&](const std::string& host, std::chrono::milliseconds,
                        std::stop_token) -> Result<std::vector<Address>> {
    EXPECT_EQ(host, "rebinding.example");
    ++asked;
    return std::vector{boost::asio::ip::make_address("127.0.0.1")};
  };
  const Client client{Guard({"127.0.0.1"}, once)};
  auto got = client.send({.url = "http://rebinding.example:" + std::to_string(server.port()) + "/"});
  ASSERT_TRUE(got) << got.error().describe();
  EXPECT_EQ(got->body, "judged");
  EXPECT_EQ(asked, 1);
}

TEST(Client, calls_what_the_operator_chose_without_a_judgement) {
  LittleServer server([](const auto&) { return answer("200 OK", "gateway"); });
  auto got = Client{Guard({})}.send({.url = server.url(), .trusted = true});
  ASSERT_TRUE(got) << got.error().describe();
  EXPECT_EQ(got->body, "gateway");
}

TEST(Client, leaves_credentials_behind_at_another_origin) {
  LittleServer second([](const auto&) { return answer("200 OK", "there"); });
  LittleServer first([&](const auto&) { return answer("302 Found", "", "Location: " + second.url("/x") + "\r\n"); });
  const Client client{Guard({"127.0.0.1"})};
  auto got = client.send(
      {.url = first.url(), .headers = {{"Authorization", "Bearer s"}, {"X-Api-Key", "k"}, {"Accept", "a/b"}}});
  ASSERT_TRUE(got) << got.error().describe();
  EXPECT_EQ(got->url, second.url("/x"));
  EXPECT_NE(first.requests().at(0).find("Bearer s"), std::string::npos);
  const auto seen = second.requests().at(0);
  EXPECT_EQ(seen.find("Authorization"), seen.npos);
  EXPECT_EQ(seen.find("X-Api-Key"), seen.npos);
  EXPECT_NE(seen.find("Accept: a/b"), seen.npos);
}

TEST(Client, keeps_credentials_at_the_same_origin) {
  LittleServer server([](const auto& request) {
    return request.starts_with("GET /a ") ? answer("301 Moved", "", "Location: /b\r\n") : answer("200 OK", "b");
  });
  auto got = Client{Guard({"127.0.0.1"})}.send({.url = server.url("/a"), .headers = {{"Authorization", "Bearer s"}}});
  ASSERT_TRUE(got);
  EXPECT_NE(server.requests().at(1).find("Bearer s"), std::string::npos);
}

TEST(Client, judges_each_redirect_again) {
  LittleServer inside([](const auto&) { return answer("200 OK", "metadata"); });
  LittleServer outside([&](const auto&) { return answer("302 Found", "", "Location: " + inside.url() + "\r\n"); });
  const Client client{Guard({outside.address()})};
  EXPECT_EQ(reason_of(client.send({.url = outside.url()})), Reason::egress_forbidden);
  EXPECT_EQ(reason_of(client.send({.url = outside.url(), .trusted = true})), Reason::egress_forbidden);
  EXPECT_TRUE(inside.requests().empty());
}

TEST(Client, tells_nobody_the_credentials_in_a_redirect_that_it_refuses) {
  LittleServer server([](const auto&) {
    return answer("302 Found", "", "Location: https://user:hidden@example.org/?signature=hidden\r\n");
  });
  const auto got = Client{Guard({"127.0.0.1"})}.send({.url = server.url()});
  ASSERT_EQ(reason_of(got), Reason::egress_forbidden);
  EXPECT_EQ(got.error().describe().find("hidden"), std::string::npos) << got.error().describe();
}

TEST(Client, follows_three_redirects_and_not_four) {
  LittleServer server([](const auto& request) {
    const int step = request.at(5) - '0';
    return step == 0 ? answer("200 OK", "end")
                     : answer("307 Again", "", "Location: /" + std::to_string(step - 1) + "\r\n");
  });
  const Client client{Guard({"127.0.0.1"})};
  EXPECT_TRUE(client.send({.url = server.url("/3")}));
  EXPECT_EQ(reason_of(client.send({.url = server.url("/4")})), Reason::fetch_failed);
  auto answered = client.send({.url = server.url("/4"), .redirects = 0});
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->status, 307);
}

TEST(Client, keeps_a_post_only_where_the_redirect_says_so) {
  LittleServer server([](const auto& request) {
    if (request.starts_with("POST /kept ") || request.starts_with("GET /got ")) return answer("200 OK");
    return request.find(" /307 ") != std::string::npos ? answer("307 x", "", "Location: /kept\r\n")
                                                       : answer("302 x", "", "Location: /got\r\n");
  });
  const Client client{Guard({"127.0.0.1"})};
  EXPECT_EQ(client.send({.method = "POST", .url = server.url("/307"), .body = "b"})->status, 200);
  EXPECT_EQ(client.send({.method = "POST", .url = server.url("/302"), .body = "b"})->status, 200);
  EXPECT_TRUE(server.requests().at(1).ends_with("\r\n\r\nb"));
  EXPECT_TRUE(server.requests().at(3).starts_with("GET /got "));
  EXPECT_TRUE(server.requests().at(3).ends_with("\r\n\r\n"));
}

TEST(Client, takes_no_more_than_it_was_told_to) {
  LittleServer server([](const auto& request) {
    if (request.starts_with("GET /chunked"))
      return std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n5\r\nabcde\r\n0\r\n\r\n");
    return request.starts_with("GET /error") ? answer("500 No", std::string(1000, 'x'))
                                             : answer("200 OK", std::string(10, 'x'));
  });
  const Client client{Guard({"127.0.0.1"})};
  EXPECT_EQ(client.send({.url = server.url(), .max_response = 10})->body.size(), 10u);
  EXPECT_EQ(reason_of(client.send({.url = server.url(), .max_response = 9})), Reason::upload_too_large);
  EXPECT_EQ(reason_of(client.send({.url = server.url("/chunked"), .max_response = 9})), Reason::upload_too_large);
  EXPECT_EQ(client.send({.url = server.url("/error"), .max_response = 9})->body.size(), 1000u);  // it says why
}

TEST(Client, gives_the_bytes_as_they_come) {
  LittleServer server([](const auto& request) {
    return request.starts_with("GET /no") ? answer("404 No", "why") : answer("200 OK", "bytes");
  });
  const Client client{Guard({"127.0.0.1"})};
  std::string taken;
  const Take take = [&](std::string_view bytes) { return taken += bytes, true; };
  auto got = client.fetch({.url = server.url()}, take);
  ASSERT_TRUE(got);
  EXPECT_EQ(taken, "bytes");
  EXPECT_EQ(got->body, "");
  taken.clear();
  EXPECT_EQ(client.fetch({.url = server.url("/no")}, take)->body, "why");
  EXPECT_EQ(taken, "");
  EXPECT_THROW(
      (void)client.fetch({.url = server.url()}, [](std::string_view) -> bool { throw std::runtime_error("full"); }),
      std::runtime_error);
}

TEST(Client, sends_a_file_piece_by_piece) {
  LittleServer server([](const auto&) { return answer("201 Created"); });
  std::string file = "0123456789";
  Request request{.method = "PUT", .url = server.url()};
  request.length = file.size();
  request.give = [&](char* out, std::size_t room) {
    const auto count = std::min({room, file.size(), std::size_t{3}});
    std::copy_n(file.begin(), count, out);
    file.erase(0, count);
    return static_cast<std::ptrdiff_t>(count);
  };
  EXPECT_EQ(Client{Guard({"127.0.0.1"})}.send(request)->status, 201);
  EXPECT_TRUE(server.requests().at(0).ends_with("\r\n\r\n0123456789"));
}

TEST(Client, ends_when_nothing_comes) {
  LittleServer server([](const auto&) { return std::string(); });
  const Client client{Guard({"127.0.0.1"})};
  EXPECT_EQ(reason_of(client.send({.url = server.url(), .read = 1s})), Reason::fetch_timed_out);
  EXPECT_EQ(reason_of(client.send({.url = server.url(), .most_time = 50ms})), Reason::fetch_timed_out);
}

TEST(Client, stops_when_it_is_told_to) {
  std::stop_source source;
  LittleServer server([&](const auto&) {
    source.request_stop();
    return std::string();
  });
  EXPECT_EQ(reason_of(Client{Guard({"127.0.0.1"})}.send({.url = server.url()}, source.get_token())), Reason::cancelled);
}

TEST(Client, says_why_nothing_came_and_not_from_where) {
  LittleServer server([](const auto&) { return std::string("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsecret"); });
  auto broken = Client{Guard({"127.0.0.1"})}.send({.url = server.url()});
  ASSERT_EQ(reason_of(broken), Reason::fetch_failed);
  EXPECT_EQ(broken.error().detail(), "The address could not be fetched: the answer ended before its announced length");
  EXPECT_TRUE(is_passing(broken.error()));
  auto closed = Client{Guard({"127.0.0.1"})}.send({.url = "http://127.0.0.1:1/"});
  EXPECT_EQ(closed.error().argument("why"), "no connection could be made");
}

TEST(Client, writes_no_second_header_into_a_first) {
  LittleServer server([](const auto&) { return answer("200 OK"); });
  const Client client{Guard({"127.0.0.1"})};
  EXPECT_EQ(reason_of(client.send({.url = server.url(), .headers = {{"X", "a\r\nHost: b"}}})),
            Reason::egress_forbidden);
  EXPECT_EQ(reason_of(client.send({.url = server.url(), .headers = {{"X: y\r\nZ", "a"}}})), Reason::egress_forbidden);
  EXPECT_TRUE(server.requests().empty());
}

TEST(Client, leaves_the_frame_of_a_message_to_itself) {
  LittleServer server([](const auto&) { return answer("200 OK"); });
  const Client client{Guard({"127.0.0.1"})};
  for (auto name : {"Host", "content-length", "Transfer-Encoding", "Connection", "Proxy-Authorization", "Expect"})
    EXPECT_EQ(reason_of(client.send({.url = server.url(), .headers = {{name, "x"}}})), Reason::egress_forbidden)
        << name;
}

TEST(Client, calls_addresses_of_ipv6) {
  LittleServer server([](const auto&) { return answer("200 OK", "six"); }, true);
  if (server.port() == 0) GTEST_SKIP() << "no IPv6 here";
  const Client client{Guard({"[::1]:" + std::to_string(server.port())})};
  auto got = client.send({.url = "http://[::1]:" + std::to_string(server.port()) + "/"});
  ASSERT_TRUE(got) << got.error().describe();
  EXPECT_EQ(got->body, "six");
}

TEST(Client, uses_no_proxy_and_unpacks_nothing) {
  ::setenv("http_proxy", "http://127.0.0.1:1/", 1);
  LittleServer server([](const auto&) { return answer("200 OK", "packed", "Content-Encoding: gzip\r\n"); });
  auto got = Client{Guard({"127.0.0.1"})}.send({.url = server.url()});
  ::unsetenv("http_proxy");
  ASSERT_TRUE(got) << got.error().describe();
  EXPECT_EQ(got->body, "packed");
}

TEST(Client, goes_nowhere_odd) {
  for (const std::string to :
       {"file:///etc/passwd", "//u:p@127.0.0.1/", "gopher://127.0.0.1/", "http://[fe80::1%25lo]/"}) {
    LittleServer server([&](const auto&) { return answer("302 Found", "", "Location: " + to + "\r\n"); });
    EXPECT_EQ(reason_of(Client{Guard({"127.0.0.1"})}.send({.url = server.url()})), Reason::egress_forbidden) << to;
  }
}

TEST(Response, says_when_to_come_again) {
  const Response response{.status = 429, .headers = {{"retry-after", "7"}}};
  EXPECT_EQ(response.retry_after(), 7s);
  EXPECT_TRUE(is_passing(response.status));
  EXPECT_FALSE(is_passing(404));
}

}  // namespace
}  // namespace toll::egress
