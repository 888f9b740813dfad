#include "workflows/steps/llm.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

namespace toll::workflows::steps {

namespace {

constexpr std::uint64_t most_reply = 8 << 20;

std::string without_slash(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return std::string(url);
}

std::string body_of(const Completion& what, bool structured) {
  json::Array messages;
  for (const auto& message : what.messages)
    messages.push_back(json::Object{{"role", message.role}, {"content", message.content}});
  json::Object body{{"model", what.model}, {"messages", std::move(messages)}, {"temperature", what.temperature}};
  if (what.max_tokens > 0) body["max_tokens"] = what.max_tokens;
  if (structured && !what.schema.is_null())
    body["response_format"] =
        json::Object{{"type", "json_schema"}, {"json_schema", {{"name", "result"}, {"schema", what.schema}}}};
  return boost::json::serialize(body);
}

StepFault unavailable(std::string detail, bool again, std::string cause = {}) {
  auto out = failed(fault::llm_unavailable, std::move(detail), std::move(cause));
  out.again = again;
  return out;
}

StepFault fault_of(const Fault& fault) {
  if (fault.reason() == Reason::egress_forbidden)
    return failed(fault::egress_forbidden, fault.detail() + ".", fault.describe());
  if (fault.reason() == Reason::cancelled) return failed(fault::cancelled, "The work was cancelled.");
  if (fault.reason() == Reason::upload_too_large)
    return unavailable("The model's answer is larger than 8 MiB.", false, fault.describe());
  return unavailable("The model could not be reached.", egress::is_passing(fault), fault.describe());
}

std::int64_t count_in(const json::Object& usage, std::string_view name) {
  const auto* value = usage.if_contains(name);
  if (!value || !value->is_number()) return 0;
  boost::system::error_code error;
  const auto count = value->to_number<std::int64_t>(error);
  return error || count < 0 ? 0 : count;
}

const json::Value* member(const json::Value* value, std::string_view name) {
  const auto* object = value ? value->if_object() : nullptr;
  return object ? object->if_contains(name) : nullptr;
}

// choices[0].message.content, and usage. nullopt: the answer is not of this interface.
std::optional<Reply> read_reply(std::string_view text) {
  const auto parsed = json::parse(text);
  if (!parsed) return std::nullopt;
  const auto* choices = member(&*parsed, "choices");
  if (!choices || !choices->is_array() || choices->get_array().empty()) return std::nullopt;
  const auto* content = member(member(&choices->get_array().front(), "message"), "content");
  if (!content || !content->is_string()) return std::nullopt;
  Reply out{.content = std::string(content->get_string())};
  if (const auto* usage = member(&*parsed, "usage"); usage && usage->is_object()) {
    out.prompt_tokens = count_in(usage->get_object(), "prompt_tokens");
    out.completion_tokens = count_in(usage->get_object(), "completion_tokens");
  }
  return out;
}

}  // namespace

Llm::Llm(const egress::Client& client, const std::vector<std::string>& gateways) : client_(client) {
  for (const auto& entry : gateways) {
    const auto equals = entry.find('=');
    gateways_[without_slash(std::string_view(entry).substr(0, equals))] =
        without_slash(std::string_view(entry).substr(equals + 1));
  }
}

bool Llm::may_name(const std::string& base_url) const {
  return gateways_.contains(without_slash(base_url)) || client_.guard().may_name(base_url);
}

std::variant<Reply, StepFault> Llm::complete(const Completion& what, std::stop_token stop) const {
  bool refused = false;
  auto reply = attempt(what, true, refused, stop);
  if (refused && !what.schema.is_null()) return attempt(what, false, refused, stop);
  return reply;
}

std::variant<Reply, StepFault> Llm::attempt(const Completion& what, bool structured, bool& refused,
                                            std::stop_token stop) const {
  const auto named = without_slash(what.base_url);
  const auto gateway = gateways_.find(named);
  egress::Request request{.method = "POST",
                          .url = (gateway == gateways_.end() ? named : gateway->second) + "/chat/completions"};
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  if (!what.api_key.empty()) request.headers.emplace_back("Authorization", "Bearer " + what.api_key);
  request.body = body_of(what, structured);
  request.read = request.most_time = what.timeout;
  request.max_response = most_reply;
  request.trusted = gateway != gateways_.end();
  auto answer = client_.send(request, stop);
  if (!answer) return fault_of(answer.error());
  refused = answer->status == 400 || answer->status == 422;
  if (!answer->ok()) {
    auto out = unavailable(fmt::format("The model's server answered {}.", answer->status),
                           egress::is_passing(answer->status), answer->body.substr(0, 500));
    out.retry_after = answer->retry_after();
    return out;
  }
  auto reply = read_reply(answer->body);
  if (!reply) return unavailable("The model's server did not answer like one.", false, answer->body.substr(0, 500));
  return std::move(*reply);
}

}  // namespace toll::workflows::steps
