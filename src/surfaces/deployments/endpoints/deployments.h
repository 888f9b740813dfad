// Deployments of an organisation, and what they were used for.
#pragma once

#include "surfaces/deployments/page.h"

namespace toll::deployed {

// Places of these routes.
struct InOrganisation {
  std::string org_id;
};
struct OfDeployment {
  std::string org_id, id;
};
struct OfDeploymentBody {
  std::string org_id, id;
  json::Value body;
};

struct CreateDeployment : ManagementWrite {
  struct Request {
    std::string org_id;
    json::Value body;
  };
  using Response = NewDeploymentView;
  static constexpr Route route{Method::post, "/unstract/{org_id}/api/v2/api-deployment"};
  static constexpr std::string_view id = "deployments.create", summary = "Deploy a workflow as an API";
  static constexpr std::string_view description =
      "Body: api_name and workflow; optional deployment_type, display_name, description, is_active, "
      "rate_limit_per_minute, allowed_ips, allow_path_key, limits, parameters, result_ttl_s, compat_reread, and "
      "key_name with expires_in_days or expires_at of the first key. The key is shown this once.";
  static constexpr int status = 201;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::not_found, Reason::role_required, Reason::limit_reached};
  static Result<Response> handle(Call& call, const Request& in);
};

struct ListDeployments : ManagementRead {
  using Request = InOrganisation;
  using Response = Page<DeploymentView>;
  static constexpr Route route{Method::get, "/unstract/{org_id}/api/v2/api-deployment"};
  static constexpr std::string_view id = "deployments.list", summary = "Deployments";
  static constexpr std::string_view description =
      "Newest first. Query: workflow, api_name (exactly), search (in the display name), page, page_size.";
  static constexpr std::array reasons{Reason::not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

struct GetDeployment : ManagementRead {
  using Request = OfDeployment;
  using Response = DeploymentView;
  static constexpr Route route{Method::get, "/unstract/{org_id}/api/v2/api-deployment/{id}"};
  static constexpr std::string_view id = "deployments.get", summary = "One deployment";
  static constexpr std::array reasons{Reason::not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

struct PutDeployment : ManagementWrite {
  using Request = OfDeploymentBody;
  using Response = DeploymentView;
  static constexpr Route route{Method::put, "/unstract/{org_id}/api/v2/api-deployment/{id}"};
  static constexpr std::string_view id = "deployments.put", summary = "Change a deployment: the fields that are sent";
  static constexpr std::array reasons{Reason::not_found, Reason::role_required};
  static Result<Response> handle(Call& call, const Request& in);
};

struct PatchDeployment : PutDeployment {
  static constexpr Route route{Method::patch, "/unstract/{org_id}/api/v2/api-deployment/{id}"};
  static constexpr std::string_view id = "deployments.patch";
};

struct DeleteDeployment : ManagementWrite {
  using Request = OfDeployment;
  using Response = http::Response;
  static constexpr Route route{Method::delete_, "/unstract/{org_id}/api/v2/api-deployment/{id}"};
  static constexpr std::string_view id = "deployments.delete", summary = "Delete a deployment";
  static constexpr std::string_view description =
      "Its keys are revoked and its open executions cancelled; the history stays, and the name is free again.";
  static constexpr int status = 204;
  static constexpr std::array reasons{Reason::not_found, Reason::role_required};
  static Result<Response> handle(Call& call, const Request& in);
};

struct GetUsage : ManagementRead {
  using Request = OfDeployment;
  using Response = json::Value;
  static constexpr bool point_read = false;
  static constexpr Route route{Method::get, "/unstract/{org_id}/api/v2/api-deployment/{id}/usage"};
  static constexpr std::string_view id = "deployments.usage", summary = "What a deployment was used for";
  static constexpr std::string_view description =
      "Query: days (1 to 365, 30), or from and to (dates). UTC days, empty ones included; percentiles are exact.";
  static constexpr std::array reasons{Reason::not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

// The deployment that a management route names. Faults: not_found.
Result<deployments::Deployment> deployment_of(Call& call, std::string_view id);

}  // namespace toll::deployed

namespace toll::json {

template <>
struct Schema<deployed::InOrganisation> {
  using R = deployed::InOrganisation;
  static constexpr std::string_view name = "InOrganisation";
  static constexpr auto fields = std::tuple{field(&R::org_id, "org_id", "The organisation.", {.in = In::path})};
};
template <>
struct Schema<deployed::OfDeployment> {
  using R = deployed::OfDeployment;
  static constexpr std::string_view name = "OfDeployment";
  static constexpr auto fields = std::tuple{field(&R::org_id, "org_id", "The organisation.", {.in = In::path}),
                                            field(&R::id, "id", "The deployment.", {.in = In::path})};
};
template <>
struct Schema<deployed::OfDeploymentBody> {
  using R = deployed::OfDeploymentBody;
  static constexpr std::string_view name = "ChangeDeployment";
  static constexpr auto fields = std::tuple{field(&R::org_id, "org_id", "The organisation.", {.in = In::path}),
                                            field(&R::id, "id", "The deployment.", {.in = In::path}),
                                            field(&R::body, "", "The fields to change.")};
};
template <>
struct Schema<deployed::CreateDeployment::Request> {
  using R = deployed::CreateDeployment::Request;
  static constexpr std::string_view name = "CreateDeployment";
  static constexpr auto fields = std::tuple{field(&R::org_id, "org_id", "The organisation.", {.in = In::path}),
                                            field(&R::body, "", "api_name, workflow and what is optional.")};
};

}  // namespace toll::json
