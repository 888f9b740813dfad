// The dialect of the object store: S3's XML errors; the URL is the credential, so there is none besides.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "api/dialect.h"

namespace toll::object_store {

struct Dialect : api::DialectDefaults {
  static constexpr std::string_view name = "objects";
  static constexpr std::string_view title = "The embedded object store: S3 with signed URLs";
  static constexpr std::array<std::string_view, 1> all_segments{"objects"};
  static constexpr std::span<const std::string_view> segments{all_segments};

  static Result<identity::Credential> credential(const http::Request& request, api::Access access);
  static http::Response fault(const Fault& fault, api::Access access);
  static const api::FaultRow& row(Reason reason);
  static std::string success(std::string text) { return text; }
  // The rest of an error: what was asked for, and the request's id. And that pages of any origin may see it: whoever
  // holds a signed URL may use it.
  static void finish(const http::Request& request, http::Response& response);
  static json::Object security_schemes();
  static json::Object fault_schema();
};

}  // namespace toll::object_store
