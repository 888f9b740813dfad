// The stems dialect: {"detail": ...} errors, Bearer credentials.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "api/dialect.h"

namespace toll::stems {

struct Dialect : api::DialectDefaults {
  static constexpr std::string_view name = "stems";
  static constexpr std::string_view title = "Source separation: a song goes in, stems come out";
  static constexpr std::array<std::string_view, 12> all_segments{
      "upload", "jobs", "job", "status", "download", "stems", "api-key", "auth", "credits", "admin", "api", "api-docs"};
  static constexpr std::span<const std::string_view> segments{all_segments};

  static Result<identity::Credential> credential(const http::Request& request, api::Access access);
  static http::Response fault(const Fault& fault, api::Access access);
  static const api::FaultRow& row(Reason reason);
  static std::string success(std::string json) { return json; }
  static json::Object security_schemes();
  static json::Object fault_schema();
};

}  // namespace toll::stems
