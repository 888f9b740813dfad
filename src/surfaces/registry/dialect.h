// The registry's dialect: {"detail": ...} errors, x-api-key and x-admin-token.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "api/dialect.h"

namespace toll::registry {

struct Dialect : api::DialectDefaults {
  static constexpr std::string_view name = "registry";
  static constexpr std::string_view title = "Model Registry API, version 1.0.0: repositories, versions, files, grants and changes";
  static constexpr std::array<std::string_view, 2> all_segments{"v1", "healthz"};
  static constexpr std::span<const std::string_view> segments{all_segments};
  static constexpr bool body_first = true;
  static constexpr bool last_value_counts = true;

  static Result<identity::Credential> credential(const http::Request& request, api::Access access);
  static http::Response fault(const Fault& fault, api::Access access);
  static const api::FaultRow& row(Reason reason);
  static std::string success(std::string json) { return json; }
  static json::Object security_schemes();
  static json::Object fault_schema();
};

}  // namespace toll::registry
