// What this surface says about itself.
#pragma once

#include "surfaces/stems/house.h"
#include "surfaces/stems/wire.h"

namespace toll::stems {

// The HTML of GET /api-docs, generated from the operations; in surface.cc, which knows them all.
const std::string& reference_html();

struct ServiceInfo {
  std::string service, status, version;
  std::vector<std::string> features;
};

struct GetService : Endpoint {
  using Request = Nothing;
  using Response = ServiceInfo;
  static constexpr Route route{Method::get, "/api"};
  static constexpr std::string_view id = "stems.service", summary = "What this is";
  static constexpr Access access = Access::open;
  static constexpr Runs runs = Runs::here;
  static Result<Response> handle(Call&, const Request&) {
    return ServiceInfo{
        "Mux Minus Audio Separation API", "running", "2.0.0", {"authentication", "credit_system", "job_tracking"}};
  }
};

struct GetReference : Endpoint {
  using Request = Nothing;
  using Response = http::Response;
  static constexpr Route route{Method::get, "/api-docs"};
  static constexpr std::string_view id = "stems.docs", summary = "The full reference, behind login";
  static constexpr Access access = Access::page;
  static constexpr Runs runs = Runs::here;
  static constexpr std::string_view answers = "text/html; charset=utf-8";
  static Result<Response> handle(Call&, const Request&) {
    http::Response page;
    page.fields.add("Content-Type", "text/html; charset=utf-8");
    page.fields.add("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    page.body = reference_html();
    return page;
  }
};

}  // namespace toll::stems

namespace toll::json {

template <>
struct Schema<stems::ServiceInfo> {
  using V = stems::ServiceInfo;
  static constexpr std::string_view name = "ServiceInfo";
  static constexpr auto fields = std::tuple{field(&V::service, "service", ""), field(&V::status, "status", ""),
                                            field(&V::version, "version", ""), field(&V::features, "features", "")};
};

}  // namespace toll::json
