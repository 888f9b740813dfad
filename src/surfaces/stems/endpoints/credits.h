// The balance, what changed it, and how to buy more.
#pragma once

#include "surfaces/stems/house.h"
#include "surfaces/stems/wire.h"

namespace toll::stems {

struct Balance {
  Amount credits;
  std::int64_t user_id = 0;
};

struct GetBalance : Endpoint {
  using Request = Nothing;
  using Response = Balance;
  static constexpr Route route{Method::get, "/credits/balance"};
  static constexpr std::string_view id = "stems.credits.balance",
                                    summary = "What can be spent; open holds are taken off";
  static constexpr Access access = Access::session;
  static Result<Response> handle(Call& call, const Request&) {
    return Balance{{call.house.ledger.balance(call.tx(), call.account())}, call.account().value()};
  }
};

struct Transaction {
  std::int64_t id = 0, user_id = 0;
  Amount amount, balance_after;
  std::string description, reference;
  Stamp created_at;
};

struct TransactionList {
  std::vector<Transaction> transactions;
};

struct GetHistory : Endpoint {
  struct Request {
    std::optional<std::int64_t> limit, before;
  };
  using Response = TransactionList;
  static constexpr Route route{Method::get, "/credits/history"};
  static constexpr std::string_view id = "stems.credits.history", summary = "What changed the balance, newest first";
  static constexpr Access access = Access::session;
  static Result<Response> handle(Call& call, const Request& in) {
    const auto limit = static_cast<std::size_t>(in.limit.value_or(50));
    auto entries = call.house.ledger.history(call.tx(), call.account(), limit + 1, in.before);
    if (entries.size() > limit) {
      entries.pop_back();
      call.reply.set("Link", "</credits/history?limit=" + std::to_string(limit) +
                                 "&before=" + std::to_string(entries.back().id) + ">; rel=\"next\"");
    }
    TransactionList out;
    for (const auto& e : entries)
      out.transactions.push_back(
          {e.id, e.account.value(), {e.amount}, {e.balance_after}, e.description, e.reference, {e.created_at}});
    return out;
  }
};

struct PackageView {
  std::string id, name;
  Amount credits;
  std::int64_t price_cents = 0;
  std::string currency;
};

struct PackageList {
  std::vector<PackageView> packages;
};

struct ListPackages : Endpoint {
  using Request = Nothing;
  using Response = PackageList;
  static constexpr Route route{Method::get, "/credits/packages"};
  static constexpr std::string_view id = "stems.credits.packages", summary = "What can be bought";
  static constexpr Access access = Access::open;
  static constexpr Runs runs = Runs::here;
  static Result<Response> handle(Call& call, const Request&) {
    PackageList out;
    for (const auto& p : call.house.shop.packages())
      out.packages.push_back({p.id, p.name, {p.credits}, p.cents, p.currency});
    return out;
  }
};

struct SquareView {
  std::string application_id, location_id, environment;
};

struct GetSquareConfig : Endpoint {
  using Request = Nothing;
  using Response = SquareView;
  static constexpr Route route{Method::get, "/credits/square-config"};
  static constexpr std::string_view id = "stems.credits.square_config", summary = "What a payment form needs";
  static constexpr Access access = Access::open;
  static constexpr Runs runs = Runs::here;
  static constexpr std::array reasons{Reason::payments_off};
  static Result<Response> handle(Call& call, const Request&) {
    if (!call.house.shop.open()) return Reason::payments_off;
    const auto& square = call.house.square;
    return SquareView{square.application_id, square.location_id, square.environment};
  }
};

struct Purchased {
  std::string message;
  Amount credits, amount_added;
  std::string payment_id;
};

struct Purchase : Endpoint {
  struct Request {
    std::optional<std::string> package, payment_nonce;
    std::optional<Amount> amount;
    std::optional<json::Value> price;
  };
  using Response = Purchased;
  static constexpr Route route{Method::post, "/credits/purchase"};
  static constexpr std::string_view id = "stems.credits.purchase", summary = "Buy a package";
  static constexpr std::string_view description =
      "`amount` instead of `package` works if it is the size of one; a client's price is never looked at.";
  static constexpr Access access = Access::session;
  static constexpr Runs runs = Runs::blocking;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::payments_off,        Reason::unknown_package,
                                      Reason::amount_not_positive, Reason::payment_token_missing,
                                      Reason::payment_declined,    Reason::payment_failed};

  static Result<Response> handle(Call& call, const Request& in) {
    const auto& shop = call.house.shop;
    if (!shop.open()) return Reason::payments_off;
    std::string package = in.package.value_or("");
    if (!in.package && in.amount) {
      if (in.amount->credits.micros <= 0) return Reason::amount_not_positive;
      const auto* known = shop.find_by_size(in.amount->credits);
      if (!known) return Reason::unknown_package;
      package = known->id;
    }
    auto bought = shop.buy(call.account(), package, in.payment_nonce.value_or(""));
    if (!bought) return std::move(bought).error();
    return Purchased{
        "Credits purchased successfully", {bought->balance}, {bought->package.credits}, bought->payment_id};
  }
};

}  // namespace toll::stems

namespace toll::json {

template <>
struct Schema<stems::Balance> {
  using V = stems::Balance;
  static constexpr std::string_view name = "Balance";
  static constexpr auto fields = std::tuple{field(&V::credits, "credits", ""), field(&V::user_id, "user_id", "")};
};

template <>
struct Schema<stems::Transaction> {
  using V = stems::Transaction;
  static constexpr std::string_view name = "Transaction";
  static constexpr auto fields = std::tuple{field(&V::id, "id", ""),
                                            field(&V::user_id, "user_id", ""),
                                            field(&V::amount, "amount", "Negative when credits went."),
                                            field(&V::balance_after, "balance_after", "The balance behind it."),
                                            field(&V::description, "description", ""),
                                            field(&V::reference, "reference", "A job id, a payment id."),
                                            field(&V::created_at, "created_at", "")};
};

template <>
struct Schema<stems::TransactionList> {
  static constexpr std::string_view name = "TransactionList";
  static constexpr auto fields =
      std::tuple{field(&stems::TransactionList::transactions, "transactions", "Newest first.")};
};

template <>
struct Schema<stems::GetHistory::Request> {
  using R = stems::GetHistory::Request;
  static constexpr std::string_view name = "GetHistory";
  static constexpr auto fields =
      std::tuple{field(&R::limit, "limit", "How many; 50 if absent.", {.in = In::query, .min = 1, .max = 200}),
                 field(&R::before, "before", "Entries older than this id.", {.in = In::query})};
};

template <>
struct Schema<stems::PackageView> {
  using V = stems::PackageView;
  static constexpr std::string_view name = "Package";
  static constexpr auto fields =
      std::tuple{field(&V::id, "id", ""), field(&V::name, "name", ""), field(&V::credits, "credits", ""),
                 field(&V::price_cents, "price_cents", ""), field(&V::currency, "currency", "ISO 4217.")};
};

template <>
struct Schema<stems::PackageList> {
  static constexpr std::string_view name = "PackageList";
  static constexpr auto fields = std::tuple{field(&stems::PackageList::packages, "packages", "")};
};

template <>
struct Schema<stems::SquareView> {
  using V = stems::SquareView;
  static constexpr std::string_view name = "SquareConfig";
  static constexpr auto fields =
      std::tuple{field(&V::application_id, "application_id", ""), field(&V::location_id, "location_id", ""),
                 field(&V::environment, "environment", "")};
};

template <>
struct Schema<stems::Purchase::Request> {
  using R = stems::Purchase::Request;
  static constexpr std::string_view name = "Purchase";
  static constexpr auto fields = std::tuple{
      field(&R::package, "package", "A package's id.", {.example = "starter"}),
      field(&R::payment_nonce, "payment_nonce", "The payment form's token.", {.secret = true}),
      field(&R::amount, "amount", "The old way: the size of a package."), field(&R::price, "price", "Ignored.")};
};

template <>
struct Schema<stems::Purchased> {
  using V = stems::Purchased;
  static constexpr std::string_view name = "Purchased";
  static constexpr auto fields =
      std::tuple{field(&V::message, "message", ""), field(&V::credits, "credits", "The balance now."),
                 field(&V::amount_added, "amount_added", ""), field(&V::payment_id, "payment_id", "")};
};

}  // namespace toll::json
