// The Model Context Protocol over Streamable HTTP, in both generations: with a handshake (2025-11-25, 2025-06-18,
// 2024-11-05), and stateless (2026-07-28), where each request says its version and headers say what the body says. What
// the tools do is not here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "json/parse.h"

namespace toll::deployed::mcp {

inline constexpr std::string_view stateless_version = "2026-07-28", offered_version = "2025-06-18";

// A message as it came in, judged. Either `answer` is there (nothing more is to be done), or a method is to be answered
// by finish() or fail().
struct Message {
  std::optional<http::Response> answer;
  json::Value id;
  std::string method;
  json::Object params;
  bool stateless = false;
};

// What the endpoint is, for the handshake.
struct Server {
  std::string version;       // of this server
  std::string instructions;  // for the model that reads them
};

// Takes up to the limits of the endpoint. Notifications, handshake, ping, discovery, unknown methods, broken and
// foreign requests are answered here; tools/list and tools/call are left.
Message read(const http::Request& request, std::string_view body, const Server& server);

// The result of a method. `lasting`: it is a list that may be kept for a while.
http::Response finish(const Message& message, const Server& server, json::Object result, bool lasting = false);
// A JSON-RPC error.
http::Response fail(const Message& message, int code, std::string_view text);

// The result of a tool: the same as text and as structure.
json::Object tool_result(json::Object content, bool is_error);

}  // namespace toll::deployed::mcp
