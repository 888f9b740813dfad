// The dialect of the Open Inference Protocol V2: {"error": "..."}; credentials are the registry's.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "api/dialect.h"

namespace toll::open_inference {

struct Dialect : api::DialectDefaults {
  static constexpr std::string_view name = "inference";
  static constexpr std::string_view title = "Inference: models of the registry, run by the Open Inference Protocol V2";
  static constexpr std::array<std::string_view, 1> all_segments{"v2"};
  static constexpr std::span<const std::string_view> segments{all_segments};

  static Result<identity::Credential> credential(const http::Request& request, api::Access access);
  static http::Response fault(const Fault& fault, api::Access access);
  static const api::FaultRow& row(Reason reason);
  static std::string success(std::string json) { return json; }
  static json::Object security_schemes();
  static json::Object fault_schema();
};

}  // namespace toll::open_inference
