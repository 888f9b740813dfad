// What a key was used for.
#pragma once

#include "metering/usage_report.h"
#include "surfaces/tunes/house.h"
#include "surfaces/tunes/wire.h"

namespace toll::tunes {

// Counts by name, in the order of the report.
struct Counts {
  std::vector<std::pair<std::string, std::int64_t>> counts;
};

struct UsageView {
  std::string api_key_id;
  std::int64_t total_requests = 0, successful_requests = 0, failed_requests = 0;
  Milliseconds average;
  Counts by_endpoint, by_status;
  Stamp period_start, period_end;
  Milliseconds p50, p95, p99;
};

struct GetKeyUsage : Endpoint {
  struct Request {
    Uuid key_id;
    std::optional<std::int64_t> days;
  };
  using Response = UsageView;
  static constexpr Route route{Method::get, "/api-keys/{key_id}/usage"};
  static constexpr std::string_view id = "tunes.keys.usage", summary = "What a key was used for; at most 2 s late";
  static constexpr Access access = Access::session;
  static constexpr std::array reasons{Reason::key_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

}  // namespace toll::tunes

namespace toll::json {

template <>
struct Codec<tunes::Counts> {
  static void write(std::string& out, const tunes::Counts& v, bool);
  static Object schema(const Rules&, Definitions&) {
    return {{"type", "object"}, {"additionalProperties", Object{{"type", "integer"}}}};
  }
};

template <>
struct Schema<tunes::UsageView> {
  using V = tunes::UsageView;
  static constexpr std::string_view name = "ApiKeyUsage";
  static constexpr auto fields =
      std::tuple{field(&V::api_key_id, "api_key_id", "The key's id."),
                 field(&V::total_requests, "total_requests", "Every answered call that got past authentication."),
                 field(&V::successful_requests, "successful_requests", "With a status below 400."),
                 field(&V::failed_requests, "failed_requests", "All others."),
                 field(&V::average, "avg_response_time_ms", "Mean, in milliseconds; 0.0 without calls."),
                 field(&V::by_endpoint, "requests_by_endpoint", "Calls by the route's template."),
                 field(&V::by_status, "requests_by_status_code", "Calls by status."),
                 field(&V::period_start, "period_start", ""),
                 field(&V::period_end, "period_end", "Now."),
                 field(&V::p50, "p50_response_time_ms", "Median, within 2 %."),
                 field(&V::p95, "p95_response_time_ms", "95th percentile."),
                 field(&V::p99, "p99_response_time_ms", "99th percentile.")};
};

template <>
struct Schema<tunes::GetKeyUsage::Request> {
  using R = tunes::GetKeyUsage::Request;
  static constexpr std::string_view name = "GetApiKeyUsage";
  static constexpr auto fields = std::tuple{
      field(&R::key_id, "key_id", "The key's id.", {.in = In::path}),
      field(&R::days, "days", "How far back; 7 unless said otherwise.", {.in = In::query, .min = 1, .max = 90})};
};

}  // namespace toll::json
