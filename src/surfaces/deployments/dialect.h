// The dialects of deployed workflows: the envelope {"type","errors":[{"code","detail","attr"}]} of the REST routes, and
// JSON-RPC of the MCP endpoints.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "api/dialect.h"

namespace toll::deployed {

struct Dialect : api::DialectDefaults {
  static constexpr std::string_view name = "deployments";
  static constexpr std::string_view title = "Deployments: workflows as REST APIs and MCP tools";
  static constexpr std::array<std::string_view, 2> all_segments{"unstract", "deployment"};
  static constexpr std::span<const std::string_view> segments{all_segments};
  static constexpr bool plain_json = true;

  static Result<identity::Credential> credential(const http::Request& request, api::Access access);
  static http::Response fault(const Fault& fault, api::Access access);
  static const api::FaultRow& row(Reason reason);
  static std::string success(std::string json) { return json; }
  static json::Object security_schemes();
  static json::Object fault_schema();
  static void finish(const http::Request& request, http::Response& response);
};

// Every failure to come in is the same 401.
struct McpDialect : api::DialectDefaults {
  static constexpr std::string_view name = "mcp";
  static constexpr std::string_view title = "MCP: deployed workflows as tools";
  static constexpr std::array<std::string_view, 2> all_segments{"mcp", "deployment"};
  static constexpr std::span<const std::string_view> segments{all_segments};

  static Result<identity::Credential> credential(const http::Request& request, api::Access access);
  static http::Response fault(const Fault& fault, api::Access access);
  static const api::FaultRow& row(Reason reason);
  static std::string success(std::string json) { return json; }
  static json::Object security_schemes();
  static json::Object fault_schema();
  static void finish(const http::Request& request, http::Response& response);
};

// A problem as the envelope says it.
struct Said {
  std::string code, detail, attr;
};
Said said(const FieldProblem& problem);
// Type and errors of a fault: what a tool of MCP answers as well.
json::Object envelope(const Fault& fault);

}  // namespace toll::deployed
