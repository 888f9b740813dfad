#include "surfaces/deployments/mcp.h"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "surfaces/deployments/answers.h"

namespace toll::deployed::mcp {

namespace {

using json::Array;
using json::Object;
using json::Value;

constexpr std::array<std::string_view, 3> handshake_versions{"2025-11-25", "2025-06-18", "2024-11-05"};
constexpr std::string_view version_member = "io.modelcontextprotocol/protocolVersion",
                           capabilities_member = "io.modelcontextprotocol/clientCapabilities",
                           server_member = "io.modelcontextprotocol/serverInfo";
constexpr std::int64_t list_ttl_ms = 60'000;

constexpr int parse_error = -32700, invalid_request = -32600, unknown_method = -32601, invalid_params = -32602,
              header_mismatch = -32020, unsupported_version = -32022;

bool by_handshake(std::string_view version) {
  return std::ranges::find(handshake_versions, version) != handshake_versions.end();
}

http::Response error(int status, const Value& id, int code, std::string_view text, std::optional<Object> data = {}) {
  Object inner{{"code", code}, {"message", text}};
  if (data) inner["data"] = std::move(*data);
  return json_answer(status, Object{{"jsonrpc", "2.0"}, {"id", id}, {"error", std::move(inner)}});
}

http::Response nothing() {
  http::Response response;
  response.status = 202;
  return response;
}

std::string_view text_of(const Object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

const Object* object_in(const Object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value ? value->if_object() : nullptr;
}

Object server_info(const Server& server) {
  return {{"name", "tollhouse"}, {"version", server.version}};
}

Object capabilities() {
  return {{"tools", Object{{"listChanged", false}}}};
}

Array supported() {
  Array out{stateless_version};
  out.insert(out.end(), handshake_versions.begin(), handshake_versions.end());
  return out;
}

// Headers say what the body says, so that who stands between need not read bodies.
std::optional<http::Response> mismatch(const http::Request& request, const Message& message, std::string_view version) {
  auto differs = [&](std::string_view name, std::string_view expected) {
    return trim(request.fields.get(name)) != expected;
  };
  std::string_view wrong;
  if (differs("MCP-Protocol-Version", version))
    wrong = "MCP-Protocol-Version";
  else if (differs("Mcp-Method", message.method))
    wrong = "Mcp-Method";
  else if (message.method == "tools/call" && differs("Mcp-Name", text_of(message.params, "name")))
    wrong = "Mcp-Name";
  if (wrong.empty()) return std::nullopt;
  return error(400, message.id, header_mismatch,
               "The header " + std::string(wrong) + " is missing or differs from the body");
}

void answer_stateless(const http::Request& request, const Server& server, std::string_view version, Message& message) {
  const auto* meta = object_in(message.params, "_meta");
  if (version.empty() || !meta->contains(capabilities_member)) {
    message.answer =
        error(400, message.id, invalid_params, "_meta must name the protocol version and the client's capabilities");
  } else if (auto wrong = mismatch(request, message, version)) {
    message.answer = std::move(*wrong);
  } else if (version != stateless_version) {
    message.answer = error(400, message.id, unsupported_version, "Unsupported protocol version",
                           Object{{"supported", supported()}, {"requested", version}});
  } else if (message.method == "server/discover") {
    message.answer = finish(message, server,
                            {{"supportedVersions", supported()},
                             {"capabilities", capabilities()},
                             {"serverInfo", server_info(server)},
                             {"instructions", server.instructions}},
                            true);
  } else if (message.method == "ping") {
    message.answer = finish(message, server, {});
  } else if (message.method != "tools/list" && message.method != "tools/call") {
    message.answer = error(404, message.id, unknown_method, "Method not found");
  }
}

void answer_handshake(const http::Request& request, const Server& server, Message& message) {
  const auto header = trim(request.fields.get("MCP-Protocol-Version"));
  if (!header.empty() && !by_handshake(header)) {
    message.answer = error(400, message.id, invalid_request, "Unsupported MCP-Protocol-Version");
  } else if (message.method == "initialize") {
    const auto wanted = text_of(message.params, "protocolVersion");
    message.answer = finish(message, server,
                            {{"protocolVersion", by_handshake(wanted) ? wanted : offered_version},
                             {"capabilities", capabilities()},
                             {"serverInfo", server_info(server)},
                             {"instructions", server.instructions}});
  } else if (message.method == "ping") {
    message.answer = finish(message, server, {});
  } else if (message.method != "tools/list" && message.method != "tools/call") {
    message.answer = fail(message, unknown_method, "Method not found");
  }
}

}  // namespace

Message read(const http::Request& request, std::string_view body, const Server& server) {
  Message message;
  auto parsed = json::parse(body);
  if (!parsed) return message.answer = error(200, nullptr, parse_error, "Parse error"), message;
  if (!parsed->is_object())
    return message.answer = error(200, nullptr, invalid_request, "Batches are not taken"), message;
  auto& object = parsed->get_object();
  const auto* id = object.if_contains("id");
  const bool asks = id && (id->is_string() || id->is_number());
  if (asks) message.id = *id;
  message.method = text_of(object, "method");
  if (text_of(object, "jsonrpc") != "2.0" || (id && !asks && !id->is_null()))
    return message.answer = error(200, nullptr, invalid_request, "Invalid request"), message;
  const auto* params = object.if_contains("params");
  if (params && !params->is_object())
    return message.answer = error(200, message.id, invalid_params, "params must be an object"), message;
  if (params) message.params = params->get_object();
  const auto* meta = object_in(message.params, "_meta");
  const auto version = meta ? std::string(text_of(*meta, version_member)) : std::string();
  message.stateless = (!version.empty() && !by_handshake(version)) ||
                      trim(request.fields.get("MCP-Protocol-Version")) == stateless_version;
  // Answers of the client, and what it only tells us.
  if (!asks) return message.answer = nothing(), message;
  if (message.method.empty())
    return message.answer = error(200, message.id, invalid_request, "Invalid request"), message;
  if (message.stateless)
    answer_stateless(request, server, version, message);
  else
    answer_handshake(request, server, message);
  return message;
}

http::Response finish(const Message& message, const Server& server, Object result, bool lasting) {
  if (message.stateless) {
    result["resultType"] = "complete";
    result["_meta"] = Object{{server_member, server_info(server)}};
    if (lasting) {
      result["ttlMs"] = list_ttl_ms;
      result["cacheScope"] = "private";
    }
  }
  return json_answer(200, Object{{"jsonrpc", "2.0"}, {"id", message.id}, {"result", std::move(result)}});
}

http::Response fail(const Message& message, int code, std::string_view text) {
  return error(200, message.id, code, text);
}

Object tool_result(Object content, bool is_error) {
  Object out{{"content", Array{Object{{"type", "text"}, {"text", boost::json::serialize(content)}}}}};
  out["structuredContent"] = std::move(content);
  out["isError"] = is_error;
  return out;
}

}  // namespace toll::deployed::mcp
