// The media surface's dialect: {"code","type","message"} errors, x-client-id and x-client-secret.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "api/dialect.h"

namespace toll::media_api {

struct Dialect : api::DialectDefaults {
  static constexpr std::string_view name = "media";
  static constexpr std::string_view title =
      "Media Authenticity API: records, uploads by signed link, verdicts and their evidence";
  static constexpr std::array<std::string_view, 4> all_segments{"api/media", "api/usage", "api/keys", "api/access"};
  static constexpr std::span<const std::string_view> segments{all_segments};
  static constexpr bool plain_json = true;

  static Result<identity::Credential> credential(const http::Request& request, api::Access access);
  static http::Response fault(const Fault& fault, api::Access access);
  static const api::FaultRow& row(Reason reason);
  static std::string success(std::string json) { return json; }
  static void finish(const http::Request& request, http::Response& response);
  static void quotas(const api::Remaining& remaining, http::Response& response);
  static json::Object security_schemes();
  static json::Object fault_schema();
};

}  // namespace toll::media_api
