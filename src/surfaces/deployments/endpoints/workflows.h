// Workflows of an organisation, their secrets, and the steps that they can be written with.
#pragma once

#include "surfaces/deployments/endpoints/keys.h"

namespace toll::deployed {

inline constexpr std::string_view about_workflows =
    "Body: name, type (ETL, TASK or API), input_schema, steps, limits. Everything that is wrong is said at once, each "
    "with its path.";

struct WorkflowWrite : ManagementWrite {
  using Response = json::Value;
  static constexpr std::uint64_t max_body = 256 << 10;
  static constexpr std::string_view description = about_workflows;
  static constexpr std::array reasons{Reason::workflow_not_found, Reason::role_required, Reason::limit_reached};
};

struct CreateWorkflow : WorkflowWrite {
  using Request = InOrganisationBody;
  static constexpr Route route{Method::post, "/unstract/{org_id}/api/v2/workflow"};
  static constexpr std::string_view id = "deployments.workflows.create", summary = "Make a workflow";
  static constexpr int status = 201;
  static constexpr bool idempotent = true;
  static Result<Response> handle(Call& call, const Request& in);
};
struct ListWorkflows : ManagementRead {
  using Request = InOrganisation;
  using Response = json::Value;
  static constexpr Route route{Method::get, "/unstract/{org_id}/api/v2/workflow"};
  static constexpr std::string_view id = "deployments.workflows.list", summary = "Workflows";
  static constexpr std::string_view description = "Newest first. Query: type, search (in the name), page, page_size.";
  static constexpr std::array reasons{Reason::not_found};
  static Result<Response> handle(Call& call, const Request& in);
};
struct GetWorkflow : ManagementRead {
  using Request = OfDeployment;
  using Response = json::Value;
  static constexpr Route route{Method::get, "/unstract/{org_id}/api/v2/workflow/{id}"};
  static constexpr std::string_view id = "deployments.workflows.get", summary = "One workflow";
  static constexpr std::array reasons{Reason::workflow_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};
struct PutWorkflow : WorkflowWrite {
  using Request = OfDeploymentBody;
  static constexpr Route route{Method::put, "/unstract/{org_id}/api/v2/workflow/{id}"};
  static constexpr std::string_view id = "deployments.workflows.put", summary = "Put another document in its place";
  static Result<Response> handle(Call& call, const Request& in);
};
struct PatchWorkflow : WorkflowWrite {
  using Request = OfDeploymentBody;
  static constexpr Route route{Method::patch, "/unstract/{org_id}/api/v2/workflow/{id}"};
  static constexpr std::string_view id = "deployments.workflows.patch", summary = "Change what is sent";
  static Result<Response> handle(Call& call, const Request& in);
};
struct DeleteWorkflow : ManagementWrite {
  using Request = OfDeployment;
  using Response = http::Response;
  static constexpr Route route{Method::delete_, "/unstract/{org_id}/api/v2/workflow/{id}"};
  static constexpr std::string_view id = "deployments.workflows.delete",
                                    summary = "Delete a workflow that nothing uses";
  static constexpr int status = 204;
  static constexpr std::array reasons{Reason::workflow_not_found, Reason::workflow_in_use, Reason::role_required};
  static Result<Response> handle(Call& call, const Request& in);
};
struct ValidateWorkflow : ManagementRead {
  using Request = InOrganisationBody;
  using Response = json::Value;
  static constexpr bool point_read = false;
  static constexpr std::uint64_t max_body = 256 << 10;
  static constexpr Route route{Method::post, "/unstract/{org_id}/api/v2/workflow/validate"};
  static constexpr std::string_view id = "deployments.workflows.validate",
                                    summary = "Check a workflow without saving it";
  static constexpr std::array reasons{Reason::not_found};
  static Result<void> admit(Call& call) { return admit_to_organisation(call, OrganisationRole::member); }
  static Result<Response> handle(Call& call, const Request& in);
};
struct ListSteps : ManagementRead {
  using Request = InOrganisation;
  using Response = json::Value;
  static constexpr Route route{Method::get, "/unstract/{org_id}/api/v2/step"};
  static constexpr std::string_view id = "deployments.steps.list", summary = "The steps there are";
  static constexpr std::string_view description =
      "Each with the schema of its `with`, whether this server can do it, and its price.";
  static constexpr std::array reasons{Reason::not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

struct OfSecret {
  std::string org_id, name;
};
struct OfSecretBody {
  std::string org_id, name;
  json::Value body;
};
struct ListSecrets : ManagementRead {
  using Request = InOrganisation;
  using Response = json::Value;
  static constexpr Route route{Method::get, "/unstract/{org_id}/api/v2/secret"};
  static constexpr std::string_view id = "deployments.secrets.list", summary = "Names of secrets";
  static constexpr std::array reasons{Reason::not_found};
  static Result<Response> handle(Call& call, const Request& in);
};
struct PutSecret : ManagementWrite {
  using Request = OfSecretBody;
  using Response = http::Response;
  static constexpr Route route{Method::put, "/unstract/{org_id}/api/v2/secret/{name}"};
  static constexpr std::string_view id = "deployments.secrets.put", summary = "Make or replace a secret";
  static constexpr std::string_view description = "Body: value. Nobody can read it back.";
  static constexpr int status = 204;
  static constexpr std::array reasons{Reason::not_found, Reason::role_required, Reason::limit_reached};
  static Result<Response> handle(Call& call, const Request& in);
};
struct DeleteSecret : ManagementWrite {
  using Request = OfSecret;
  using Response = http::Response;
  static constexpr Route route{Method::delete_, "/unstract/{org_id}/api/v2/secret/{name}"};
  static constexpr std::string_view id = "deployments.secrets.delete", summary = "Delete a secret";
  static constexpr int status = 204;
  static constexpr std::array reasons{Reason::secret_not_found, Reason::role_required};
  static Result<Response> handle(Call& call, const Request& in);
};

struct ListExecutions : ManagementRead {
  using Request = InOrganisation;
  using Response = json::Value;
  static constexpr Route route{Method::get, "/unstract/{org_id}/api/v2/execution"};
  static constexpr std::string_view id = "deployments.executions.list", summary = "History of executions";
  static constexpr std::string_view description = "Newest first. Query: deployment, status, page, page_size.";
  static constexpr std::array reasons{Reason::not_found};
  static Result<Response> handle(Call& call, const Request& in);
};
struct GetExecution : ManagementRead {
  using Request = OfDeployment;
  using Response = json::Value;
  static constexpr bool point_read = false;
  static constexpr Route route{Method::get, "/unstract/{org_id}/api/v2/execution/{id}"};
  static constexpr std::string_view id = "deployments.executions.get",
                                    summary = "One execution: its items and their steps";
  static constexpr std::array reasons{Reason::execution_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};
struct StopExecution : ManagementWrite {
  using Request = OfDeployment;
  using Response = http::Response;
  static constexpr Route route{Method::post, "/unstract/{org_id}/api/v2/execution/{id}/cancel"};
  static constexpr std::string_view id = "deployments.executions.cancel", summary = "Cancel an execution";
  static constexpr int status = 202;
  static constexpr std::array reasons{Reason::execution_not_found, Reason::execution_finished, Reason::role_required};
  static Result<Response> handle(Call& call, const Request& in);
};

}  // namespace toll::deployed

namespace toll::json {

template <>
struct Schema<deployed::OfSecret> {
  using R = deployed::OfSecret;
  static constexpr std::string_view name = "OfSecret";
  static constexpr auto fields = std::tuple{field(&R::org_id, "org_id", "The organisation.", {.in = In::path}),
                                            field(&R::name, "name", "The secret's name.", {.in = In::path})};
};
template <>
struct Schema<deployed::OfSecretBody> {
  using R = deployed::OfSecretBody;
  static constexpr std::string_view name = "PutSecret";
  static constexpr auto fields = std::tuple{field(&R::org_id, "org_id", "The organisation.", {.in = In::path}),
                                            field(&R::name, "name", "The secret's name.", {.in = In::path}),
                                            field(&R::body, "", "{\"value\": ...}")};
};

}  // namespace toll::json
