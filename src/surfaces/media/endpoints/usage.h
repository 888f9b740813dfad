// GET /api/usage: what may still be called, what there is to spend, what things cost.
#pragma once

#include "surfaces/media/wire.h"

namespace toll::media_api {

struct QuotaView {
  std::optional<std::int64_t> limit;
  std::int64_t used = 0;
  std::optional<std::int64_t> remaining;
};

struct KeyUsageView {
  std::string client_id;
  QuotaView query, mutation;
};

struct CreditsView {
  std::int64_t balance = 0, held = 0, available = 0;
};

struct PriceList {
  std::int64_t df1 = 0, ac1 = 0, fd1 = 0, fe1 = 0, fi1 = 0;
};

struct UsageView {
  std::string access;
  QuotaView query, mutation;
  std::optional<KeyUsageView> key;
  CreditsView credits;
  PriceList prices;
};

struct GetUsage : Endpoint {
  using Request = Nothing;
  using Response = UsageView;
  static constexpr Route route{Method::get, "/api/usage"};
  static constexpr std::string_view id = "media.usage", summary = "Quotas, credits and prices; counts as nothing";
  static Result<Response> handle(Call& call, const Request& in);
};

}  // namespace toll::media_api

namespace toll::json {

template <>
struct Schema<media_api::QuotaView> {
  using V = media_api::QuotaView;
  static constexpr std::string_view name = "MediaQuota";
  static constexpr auto fields =
      std::tuple{field(&V::limit, "limit", "Calls for ever; left out without a limit.", {.omit_null = true}),
                 field(&V::used, "used", "Calls so far."),
                 field(&V::remaining, "remaining", "Calls that are left.", {.omit_null = true})};
};

template <>
struct Schema<media_api::KeyUsageView> {
  using V = media_api::KeyUsageView;
  static constexpr std::string_view name = "ClientKeyUsage";
  static constexpr auto fields = std::tuple{field(&V::client_id, "clientId", "The key that asks."),
                                            field(&V::query, "query", "Its GET calls; a limit where it has a slice."),
                                            field(&V::mutation, "mutation", "Its POST and DELETE calls.")};
};

template <>
struct Schema<media_api::CreditsView> {
  using V = media_api::CreditsView;
  static constexpr std::string_view name = "MediaCredits";
  static constexpr auto fields = std::tuple{field(&V::balance, "balance", "Micro-credits, those on hold included."),
                                            field(&V::held, "held", "On hold for what is not processed yet."),
                                            field(&V::available, "available", "What can be spent.")};
};

template <>
struct Schema<media_api::PriceList> {
  using V = media_api::PriceList;
  static constexpr std::string_view name = "MediaPrices";
  static constexpr auto fields =
      std::tuple{field(&V::df1, "DF-1", "Micro-credits."), field(&V::ac1, "AC-1", "Micro-credits."),
                 field(&V::fd1, "FD-1", "Micro-credits."), field(&V::fe1, "FE-1", "Micro-credits."),
                 field(&V::fi1, "FI-1", "Micro-credits.")};
};

template <>
struct Schema<media_api::UsageView> {
  using V = media_api::UsageView;
  static constexpr std::string_view name = "MediaUsage";
  static constexpr auto fields =
      std::tuple{field(&V::access, "access", "NONE, PENDING, APPROVED or REJECTED."),
                 field(&V::query, "query", "GET calls of the account's keys."),
                 field(&V::mutation, "mutation", "POST and DELETE calls."),
                 field(&V::key, "key", "The same of the key that asks.", {.omit_null = true}),
                 field(&V::credits, "credits", "The account's credits."),
                 field(&V::prices, "prices", "By modelType.")};
};

}  // namespace toll::json
