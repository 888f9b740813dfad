#include "metering/square/square.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>

#include <optional>

#include "http/client.h"

namespace toll::metering {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

using Fetched = std::optional<Result<http::ClientResponse>>;

asio::awaitable<void> fetch_into(http::ClientRequest request, Fetched& fetched) {
  fetched.emplace(co_await http::fetch(std::move(request)));
}

// fetch() on an io_context of its own, so that the caller may block.
Result<http::ClientResponse> fetch_blocking(http::ClientRequest request) {
  asio::io_context io;
  Fetched fetched;
  asio::co_spawn(io, fetch_into(std::move(request), fetched), [](std::exception_ptr failed) {
    if (failed) std::rethrow_exception(failed);
  });
  io.run();
  return std::move(fetched).value();
}

std::string body_of(const Charge& charge, const std::string& location) {
  return json::serialize(json::object{
      {"source_id", charge.nonce},
      {"idempotency_key", charge.idempotency_key},
      {"amount_money", json::object{{"amount", charge.cents}, {"currency", charge.currency}}},
      {"location_id", location},
      {"note", charge.note},
  });
}

// A text member reached by names; nullopt where anything on the way is not there.
std::optional<std::string> text_at(const json::value& value, std::string_view pointer) {
  boost::system::error_code none;
  const auto* found = value.find_pointer(json::string_view(pointer.data(), pointer.size()), none);
  if (!found || !found->is_string()) return std::nullopt;
  return std::string(found->get_string());
}

Result<Payment> read_answer(const http::ClientResponse& response) {
  boost::system::error_code broken;
  const auto answer = json::parse(response.body, broken);
  const auto nonsense = [&](std::string_view what) {
    return Fault(Reason::payment_failed)
        .because("Square answered " + std::to_string(response.status) + ", " + std::string(what));
  };
  if (broken) return nonsense("not JSON");
  if (response.status >= 200 && response.status < 300) {
    const auto status = text_at(answer, "/payment/status").value_or("");
    const auto id = text_at(answer, "/payment/id");
    if (!id || id->empty()) return nonsense("without a payment");
    if (status == "COMPLETED") return Payment{*id};
    if (status == "FAILED" || status == "CANCELED") return Fault(Reason::payment_declined).with("code", status);
    return nonsense("payment status " + status);
  }
  const auto code = text_at(answer, "/errors/0/code");
  if (!code) return nonsense("without an error code");
  // Our own token, account or rate is wrong: no fault of the buyer's card.
  if (response.status == 401 || response.status == 403 || response.status == 429 || response.status >= 500)
    return nonsense(*code);
  return Fault(Reason::payment_declined).with("code", *code);
}

class Square final : public PaymentProvider {
 public:
  explicit Square(SquareOptions options) : options_(std::move(options)) {}

  std::string_view name() const override { return "square"; }

  Result<Payment> charge(const Charge& charge) override {
    http::ClientRequest request;
    request.method = http::Method::post;
    request.url = options_.base + "/v2/payments";
    request.fields.set("Authorization", "Bearer " + options_.access_token);
    request.fields.set("Content-Type", "application/json");
    request.fields.set("Square-Version", "2024-01-18");
    request.body = body_of(charge, options_.location_id);
    request.timeout = options_.timeout;
    const auto response = fetch_blocking(std::move(request));
    if (!response) return Fault(Reason::payment_failed).because(response.error().cause());
    return read_answer(*response);
  }

 private:
  const SquareOptions options_;
};

}  // namespace

std::unique_ptr<PaymentProvider> square_provider(SquareOptions options) {
  return std::make_unique<Square>(std::move(options));
}

}  // namespace toll::metering
