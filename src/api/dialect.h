// A dialect is pure functions: where a credential stands, how a fault looks. No I/O, no SQL. A surface's dialect is a
// struct with static members; its faults are a table with one row a reason, checked by the conformance suite.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/endpoint.h"
#include "base/fault.h"
#include "http/message.h"
#include "identity/principal.h"

namespace toll::api {

// One row of a surface's fault table. The text's {places} are the fault's arguments.
struct FaultRow {
  Reason reason;
  int status;
  std::string_view code;  // the surface's own word, where it has one
  std::string_view text;
};

// Row i of the result is the row of reason i. Does not compile when a reason is missing or named twice.
template <std::size_t N>
consteval std::array<FaultRow, N> by_reason(std::array<FaultRow, N> rows) {
  static_assert(N == reason_catalogue.size(), "a fault table has one row for each reason");
  std::array<FaultRow, N> sorted{};
  std::array<bool, N> seen{};
  for (const auto& row : rows) {
    const auto at = static_cast<std::size_t>(row.reason);
    if (seen[at]) throw "a reason has two rows";
    seen[at] = true;
    sorted[at] = row;
  }
  return sorted;
}

template <class D>
concept Dialect = requires(const http::Request& request, const Fault& fault, Access access, std::string json) {
  { D::name } -> std::convertible_to<std::string_view>;
  { D::title } -> std::convertible_to<std::string_view>;
  // First segments of the paths it owns.
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

// The same, as values, so that the pipeline is compiled once for all surfaces.
struct DialectTable {
  std::string_view name, title;
  std::span<const std::string_view> segments;
  Result<identity::Credential> (*credential)(const http::Request&, Access);
  http::Response (*fault)(const Fault&, Access);
  const FaultRow& (*row)(Reason);
  std::string (*success)(std::string);
  json::Object (*security_schemes)();
  json::Object (*fault_schema)();
};

template <Dialect D>
constexpr DialectTable dialect_table() {
  return {D::name, D::title,    D::segments,          &D::credential,  &D::fault,
          &D::row, &D::success, &D::security_schemes, &D::fault_schema};
}

}  // namespace toll::api
