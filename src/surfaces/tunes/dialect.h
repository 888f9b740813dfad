// The tunes dialect: {"error", "detail"} errors, Bearer or X-API-Key credentials, limits on every counted answer.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "api/dialect.h"

namespace toll::tunes {

struct Dialect : api::DialectDefaults {
  static constexpr std::string_view name = "tunes";
  static constexpr std::string_view title = "A music library behind API keys with scopes, plans and limits";
  static constexpr std::array<std::string_view, 13> owned_paths{
      "api/v1",         "api-keys", "tracks", "search",    "playlists", "interactions", "recommendations",
      "audio-features", "audio",    "models", "analytics", "webhooks",  "billing"};
  static constexpr std::span<const std::string_view> segments{owned_paths};
  static constexpr std::array<std::string_view, 2> both_places{"", "/api/v1"};
  static constexpr std::span<const std::string_view> prefixes{both_places};
  static constexpr bool strict_bodies = true;
  static constexpr bool process_time = true;

  static Result<identity::Credential> credential(const http::Request& request, api::Access access);
  static http::Response fault(const Fault& fault, api::Access access);
  static const api::FaultRow& row(Reason reason);
  static void limits(const metering::Verdict& verdict, Time now, http::Response& response);
  static std::string success(std::string json) { return json; }
  static json::Object security_schemes();
  static json::Object fault_schema();
};

}  // namespace toll::tunes
