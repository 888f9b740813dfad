// A dialect is pure functions: where a credential stands, how a fault looks. No I/O, no SQL. A surface's dialect is a
// struct with static members; its faults are a table of own rows and a status for each kind of reason (by_reason).
#pragma once

#include <array>
#include <concepts>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/endpoint.h"
#include "base/fault.h"
#include "http/message.h"
#include "identity/principal.h"
#include "metering/limits.h"

namespace toll::api {

// One row of a surface's fault table. The text's {places} are the fault's arguments.
struct FaultRow {
  Reason reason;
  int status;
  std::string_view code;  // the surface's own word, where it has one
  std::string_view text;
};

// The status of a surface for every kind of reason: what it says of reasons that it has no words of its own for.
struct KindStatus {
  Kind kind;
  int status;
};

// Row i of the result is the row of reason i: the surface's own, or the status of its kind with the catalogue's title.
// Does not compile when a reason has two rows or a kind has no status.
template <std::size_t K, std::size_t N>
consteval std::array<FaultRow, reason_catalogue.size()> by_reason(std::array<KindStatus, K> kinds,
                                                                  std::array<FaultRow, N> rows) {
  std::array<FaultRow, reason_catalogue.size()> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto& known = reason_catalogue[i];
    out[i] = {known.reason, 0, "", known.title};
    for (const auto& kind : kinds)
      if (kind.kind == known.kind) out[i].status = kind.status;
    if (out[i].status == 0) throw "a kind has no status";
  }
  std::array<bool, reason_catalogue.size()> seen{};
  for (const auto& row : rows) {
    const auto at = static_cast<std::size_t>(row.reason);
    if (seen[at]) throw "a reason has two rows";
    seen[at] = true;
    out[at] = row;
  }
  return out;
}

// What most HTTP APIs answer.
inline constexpr std::array usual_statuses{
    KindStatus{Kind::invalid, 400},     KindStatus{Kind::unauthenticated, 401}, KindStatus{Kind::forbidden, 403},
    KindStatus{Kind::not_found, 404},   KindStatus{Kind::conflict, 409},        KindStatus{Kind::gone, 410},
    KindStatus{Kind::unpaid, 402},      KindStatus{Kind::too_large, 413},       KindStatus{Kind::throttled, 429},
    KindStatus{Kind::unavailable, 503}, KindStatus{Kind::upstream, 502},        KindStatus{Kind::internal, 500}};

inline constexpr std::array<std::string_view, 1> at_the_root{""};

// What a dialect says unless it says otherwise.
struct DialectDefaults {
  // Every route answers below each of these; usage, logs and the documentation name it without. A route that is written
  // with one of them answers there only.
  static constexpr std::span<const std::string_view> prefixes{at_the_root};
  // JSON bodies are read strictly: another content type is unsupported_media_type; json::Reading has the rest.
  static constexpr bool strict_bodies = false;
  // A JSON body is read before anybody looks at credentials, so that malformed JSON is heard of first. A body of
  // another content type is a text then, and so no object.
  static constexpr bool body_first = false;
  // Of a query parameter that comes several times, the last value counts; elsewhere the first.
  static constexpr bool last_value_counts = false;
  // X-Process-Time on every answer.
  static constexpr bool process_time = false;
  // A body of another content type is unsupported_media_type; where a JSON body may come and none does, it is {}.
  static constexpr bool plain_json = false;
};

template <class D>
concept Dialect = std::derived_from<D, DialectDefaults> &&
    requires(const http::Request& request, const Fault& fault, Access access, std::string json) {
  { D::name } -> std::convertible_to<std::string_view>;
  { D::title } -> std::convertible_to<std::string_view>;
  // The paths it owns begin with these: one or more whole segments; the longest one of all surfaces decides.
  { D::segments } -> std::convertible_to<std::span<const std::string_view>>;
  // Faults: no_credentials, wrong_scheme, bad_key, bad_session.
  { D::credential(request, access) } -> std::same_as<Result<identity::Credential>>;
  { D::fault(fault, access) } -> std::same_as<http::Response>;
  { D::row(Reason::internal) } -> std::same_as<const FaultRow&>;
  // A JSON answer, inside whatever envelope the surface has.
  { D::success(json) } -> std::same_as<std::string>;
  { D::security_schemes() } -> std::same_as<json::Object>;
  { D::fault_schema() } -> std::same_as<json::Object>;
};

// A dialect that counts calls also has `static void limits(const metering::Verdict&, Time now, http::Response&)`: what
// every answer to a counted caller says about the limits, and the whole body when the verdict refuses.
template <class D>
concept CountsCalls = requires(const metering::Verdict& verdict, Time now, http::Response& response) {
  D::limits(verdict, now, response);
};

// A dialect that has something to add to every answer has `static void finish(const http::Request&, http::Response&)`.
template <class D>
concept Finishes = requires(const http::Request& request, http::Response& response) {
  D::finish(request, response);
};

// A dialect that tells callers with absolute quotas what remains of them has `static void quotas(const Remaining&,
// http::Response&)`: for every answer of an endpoint that takes from one.
struct Remaining {
  std::optional<std::int64_t> query, mutation;  // none: without limit
};
template <class D>
concept TellsQuotas = requires(const Remaining& remaining, http::Response& response) {
  D::quotas(remaining, response);
};

// The same, as values, so that the pipeline is compiled once for all surfaces.
struct DialectTable {
  std::string_view name, title;
  std::span<const std::string_view> segments;
  std::span<const std::string_view> prefixes;
  bool strict_bodies;
  bool body_first;
  bool last_value_counts;
  bool process_time;
  bool plain_json;
  Result<identity::Credential> (*credential)(const http::Request&, Access);
  http::Response (*fault)(const Fault&, Access);
  const FaultRow& (*row)(Reason);
  std::string (*success)(std::string);
  json::Object (*security_schemes)();
  json::Object (*fault_schema)();
  void (*limits)(const metering::Verdict&, Time, http::Response&) = nullptr;  // null: calls are not counted
  void (*finish)(const http::Request&, http::Response&) = nullptr;
  void (*quotas)(const Remaining&, http::Response&) = nullptr;
};

template <Dialect D>
constexpr DialectTable dialect_table() {
  DialectTable table{D::name,
                     D::title,
                     D::segments,
                     D::prefixes,
                     D::strict_bodies,
                     D::body_first,
                     D::last_value_counts,
                     D::process_time,
                     D::plain_json,
                     &D::credential,
                     &D::fault,
                     &D::row,
                     &D::success,
                     &D::security_schemes,
                     &D::fault_schema};
  if constexpr (CountsCalls<D>) table.limits = &D::limits;
  if constexpr (Finishes<D>) table.finish = &D::finish;
  if constexpr (TellsQuotas<D>) table.quotas = &D::quotas;
  return table;
}

}  // namespace toll::api
