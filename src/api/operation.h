// An endpoint at run time: what it says about itself, and how it is served.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/endpoint.h"
#include "base/ids.h"
#include "json/schema.h"

namespace toll::api {

// One request on its way through the house.
struct Exchange {
  const http::Request& request;
  http::BodyReader& body;
  std::string request_id;
  std::vector<std::string> params;   // of the route, in order
  std::optional<AccountId> account;  // once known: for the log and usage
  std::optional<KeyId> key;
};

struct Parameter {
  std::string_view name;
  json::In in;
  bool required;
  json::Object schema;
};

// For OpenAPI, the documentation, and the suites that walk every operation.
struct About {
  Method method;
  std::string_view path, id, summary, description, scope, surface;
  Access access;
  int status;
  bool idempotent;
  bool takes_forms;
  std::string_view answers;  // media type
  std::vector<Reason> reasons;
  std::vector<Parameter> parameters;   // path and query
  std::optional<json::Object> body;    // schema of the request body
  bool multipart = false;
  std::optional<json::Object> answer;  // schema of a JSON answer
};

struct Operation {
  About about;
  std::function<asio::awaitable<http::Response>(Exchange&)> serve;
};

}  // namespace toll::api
