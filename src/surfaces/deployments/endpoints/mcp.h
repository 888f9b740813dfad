// MCP endpoints: of a deployment by key, of one by name, and of everything an account can use.
//
// A call may run a workflow, so these are not one transaction: prepare() counts, checks and accepts, each in its own;
// handle() answers, and conclude() after a wait.
#pragma once

#include "api/input.h"
#include "surfaces/deployments/endpoints/docs.h"
#include "surfaces/deployments/mcp.h"

namespace toll::deployed {

// What a tool came to before its answer is made: a finished result, or a run to look at.
struct ToolCall {
  mcp::Message message;
  std::optional<json::Object> result;  // of tools/call
  bool failed = false;
  Run run;
  std::optional<Entry> target;  // of the run
};

struct McpEndpoint : Endpoint {
  using Response = http::Response;
  static constexpr Runs runs = Runs::read;
  static constexpr std::string_view description =
      "One JSON-RPC message of the Model Context Protocol (Streamable HTTP): versions 2026-07-28 (stateless), "
      "2025-11-25, 2025-06-18 and 2024-11-05. Answers are single JSON objects.";
  static std::uint64_t body_limit(const Call&) { return 10ull << 20; }
};

struct McpOfKey : McpEndpoint {
  struct Request {
    std::string api_key;
    api::WholeBody body;
  };
  static constexpr Route route{Method::post, "/deployment/{api_key}/mcp"};
  static constexpr std::string_view id = "mcp.deployment", summary = "MCP of a deployment";
  static Result<void> admit(Call& call);
  static Result<void> prepare(Call& call, Request& in);
  static Result<Response> handle(Call& call, const Request& in);
  static Result<Response> conclude(Call& call, const Request& in);
};

struct McpOfName : McpEndpoint {
  struct Request {
    std::string org_id, api_name;
    api::WholeBody body;
  };
  static constexpr Route route{Method::post, "/deployment/api/{org_id}/{api_name}/mcp"};
  static constexpr std::string_view id = "mcp.compat", summary = "MCP of a deployment, as the original does";
  static Result<void> admit(Call& call);
  static Result<void> prepare(Call& call, Request& in);
  static Result<Response> handle(Call& call, const Request& in);
  static Result<Response> conclude(Call& call, const Request& in);
};

// To this endpoint a deployment key is as good as none.
Result<void> no_deployment_key(const identity::Principal& who);

struct McpOfAccount : McpEndpoint {
  struct Request {
    api::WholeBody body;
  };
  static constexpr Route route{Method::post, "/mcp"};
  static constexpr std::string_view id = "mcp.account", summary = "MCP of all your deployments";
  static constexpr api::CallerCheck permits = &no_deployment_key;
  static Result<void> admit(Call& call);
  static Result<void> prepare(Call& call, Request& in);
  static Result<Response> handle(Call& call, const Request& in);
  static Result<Response> conclude(Call& call, const Request& in);
};

}  // namespace toll::deployed

namespace toll::json {

template <>
struct Schema<deployed::McpOfKey::Request> {
  using R = deployed::McpOfKey::Request;
  static constexpr std::string_view name = "McpOfKey";
  static constexpr auto fields = std::tuple{field(&R::api_key, "api_key", "A key of the deployment.", {.in = In::path}),
                                            field(&R::body, "body", "A JSON-RPC message.", {.in = In::raw})};
};
template <>
struct Schema<deployed::McpOfName::Request> {
  using R = deployed::McpOfName::Request;
  static constexpr std::string_view name = "McpOfName";
  static constexpr auto fields = std::tuple{field(&R::org_id, "org_id", "The organisation.", {.in = In::path}),
                                            field(&R::api_name, "api_name", "The deployment's name.", {.in = In::path}),
                                            field(&R::body, "body", "A JSON-RPC message.", {.in = In::raw})};
};
template <>
struct Schema<deployed::McpOfAccount::Request> {
  using R = deployed::McpOfAccount::Request;
  static constexpr std::string_view name = "McpOfAccount";
  static constexpr auto fields = std::tuple{field(&R::body, "body", "A JSON-RPC message.", {.in = In::raw})};
};

}  // namespace toll::json
