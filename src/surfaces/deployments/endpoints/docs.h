// The documentation of a deployment, for whoever has its key.
#pragma once

#include "surfaces/deployments/endpoints/execute.h"

namespace toll::deployed {

struct OfKeyPath {
  std::string api_key;
};

struct DocumentEndpoint : Endpoint {
  using Request = OfKeyPath;
  using Response = http::Response;
  static Result<void> admit(Call& call);
};

struct GetOpenApi : DocumentEndpoint {
  static constexpr Route route{Method::get, "/deployment/{api_key}/openapi.json"};
  static constexpr std::string_view id = "deployments.openapi", summary = "The deployment as an OpenAPI document";
  static Result<Response> handle(Call& call, const Request& in);
};

struct GetDocs : DocumentEndpoint {
  static constexpr Route route{Method::get, "/deployment/{api_key}/docs"};
  static constexpr std::string_view id = "deployments.docs", summary = "The deployment's page";
  static constexpr std::string_view description = "With Accept: application/json, the OpenAPI document itself.";
  static constexpr std::string_view answers = "text/html";
  static Result<Response> handle(Call& call, const Request& in);
};

}  // namespace toll::deployed

namespace toll::json {

template <>
struct Schema<deployed::OfKeyPath> {
  using R = deployed::OfKeyPath;
  static constexpr std::string_view name = "OfKeyPath";
  static constexpr auto fields =
      std::tuple{field(&R::api_key, "api_key", "A key of the deployment.", {.in = In::path})};
};

}  // namespace toll::json
