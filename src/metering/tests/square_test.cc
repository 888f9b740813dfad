#include "metering/square/square.h"

#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <boost/json.hpp>

#include <thread>

namespace toll::metering {
namespace {

namespace asio = boost::asio;

// Answers one request with what it was told and keeps what it was sent.
class OneAnswer {
 public:
  OneAnswer(int status, std::string body)
      : acceptor_(io_, {asio::ip::make_address("127.0.0.1"), 0}),
        thread_([this, status, body] { serve(status, body); }) {}
  ~OneAnswer() {
    if (thread_.joinable()) thread_.join();
  }
  std::string base() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  std::string head() { return join(), head_; }
  boost::json::value body() { return join(), boost::json::parse(body_); }

 private:
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  void serve(int status, const std::string& body) {
    auto socket = acceptor_.accept();
    std::string received;
    const auto head_size = asio::read_until(socket, asio::dynamic_buffer(received), "\r\n\r\n");
    head_ = received.substr(0, head_size);
    body_ = received.substr(head_size);
    const auto length_at = head_.find("Content-Length: ");
    const auto length = std::stoul(head_.substr(length_at + 16));
    if (body_.size() < length)
      asio::read(socket, asio::dynamic_buffer(body_), asio::transfer_exactly(length - body_.size()));
    asio::write(socket, asio::buffer("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\n" +
                                     "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body));
  }

  asio::io_context io_;
  asio::ip::tcp::acceptor acceptor_;
  std::string head_, body_;
  std::thread thread_;
};

const Charge charge{"popular", 400, "USD", "cnon:card-nonce-ok", "purchase-key-1", "account 7, package popular"};

Result<Payment> pay(OneAnswer& server) {
  return square_provider({.base = server.base(), .access_token = "token-1", .location_id = "L1"})->charge(charge);
}

TEST(Square, is_asked_for_the_servers_price_under_the_purchases_key) {
  OneAnswer server(200, R"({"payment":{"id":"pay-1","status":"COMPLETED"}})");
  EXPECT_EQ(pay(server).value().id, "pay-1");
  EXPECT_TRUE(server.head().starts_with("POST /v2/payments HTTP/1.1\r\n")) << server.head();
  EXPECT_NE(server.head().find("Bearer token-1\r\n"), std::string::npos);
  EXPECT_EQ(server.body(), boost::json::parse(R"({"source_id":"cnon:card-nonce-ok","idempotency_key":"purchase-key-1",
      "amount_money":{"amount":400,"currency":"USD"},"location_id":"L1","note":"account 7, package popular"})"));
}

TEST(Square, a_refused_card_is_declined_with_squares_code) {
  OneAnswer server(402, R"({"errors":[{"category":"PAYMENT_METHOD_ERROR","code":"CVV_FAILURE","detail":"no"}]})");
  const auto refused = pay(server);
  EXPECT_EQ(refused.error().reason(), Reason::payment_declined);
  EXPECT_EQ(refused.error().argument("code"), "CVV_FAILURE");
}

TEST(Square, our_own_faults_are_not_the_buyers) {
  for (int status : {401, 403, 429, 500}) {
    OneAnswer server(status, R"({"errors":[{"code":"UNAUTHORIZED"}]})");
    EXPECT_EQ(pay(server).error().reason(), Reason::payment_failed) << status;
  }
}

TEST(Square, a_payment_that_is_not_completed_is_not_credited) {
  OneAnswer failed(200, R"({"payment":{"id":"pay-1","status":"FAILED"}})");
  EXPECT_EQ(pay(failed).error().reason(), Reason::payment_declined);
  OneAnswer pending(200, R"({"payment":{"id":"pay-1","status":"PENDING"}})");
  EXPECT_EQ(pay(pending).error().reason(), Reason::payment_failed);
}

TEST(Square, nonsense_and_silence_are_failures_with_a_cause) {
  for (auto body : {"", "<html>", "[]", "{}", R"({"payment":{}})", R"({"payment":{"status":"COMPLETED"}})"}) {
    OneAnswer server(200, body);
    const auto failed = pay(server);
    ASSERT_FALSE(failed) << body;
    EXPECT_EQ(failed.error().reason(), Reason::payment_failed) << body;
    EXPECT_FALSE(failed.error().cause().empty());
  }
  const auto unreachable = square_provider({.base = "http://127.0.0.1:1"})->charge(charge);
  EXPECT_EQ(unreachable.error().reason(), Reason::payment_failed);
}

}  // namespace
}  // namespace toll::metering
