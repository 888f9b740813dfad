#include "workflows/steps/notify.h"

#include <boost/json/serialize.hpp>

#include <algorithm>

#include "base/digest.h"
#include "base/text.h"
#include "workflows/definitions.h"
#include "workflows/templates.h"

namespace toll::workflows::steps {

namespace {

constexpr std::int64_t default_retries = 5;

std::string base64(std::string_view bytes) {
  auto out = base64url(bytes);
  std::ranges::replace(out, '-', '+');
  std::ranges::replace(out, '_', '/');
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string url(text);
  std::ranges::replace(url, '+', '-');
  std::ranges::replace(url, '/', '_');
  return from_base64url(url);
}

json::Object schema() {
  return {{"type", "object"},
          {"properties",
           {{"url", {{"type", "string"}, {"minLength", 1}, {"maxLength", 8192}, {"description", "Where to."}}},
            {"secret", {{"type", "string"}, {"description", "Signs the call: {\"secret\": \"NAME\"}."}}},
            {"on",
             {{"type", "array"},
              {"items", {{"enum", json::Array{"COMPLETED", "ERROR", "STOPPED"}}}},
              {"minItems", 1},
              {"description", "The ends that are told; all by default."}}},
            {"max_retries", {{"type", "integer"}, {"minimum", 0}, {"maximum", 10}, {"default", default_retries}}}}},
          {"required", json::Array{"url"}},
          {"additionalProperties", false}};
}

std::string text(const json::Object& with, std::string_view name) {
  const auto* value = with.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool wanted(const json::Object& with, const std::string& state) {
  const auto* on = with.if_contains("on");
  return !on || !on->is_array() || std::ranges::find(on->get_array(), json::Value(state)) != on->get_array().end();
}

std::string body_of(const Call& call) {
  const auto& ending = *call.ending;
  return boost::json::serialize(
      json::Object{{"type", call.workflow_type},
                   {"pipeline_id", call.workflow.value()},
                   {"pipeline_name", call.workflow_name},
                   {"status", ending.state},
                   {"execution_id", call.execution.value()},
                   {"error_message", ending.error ? json::Value(*ending.error) : json::Value(nullptr)},
                   {"timestamp", iso_millis(ending.ended_at)},
                   {"additional_data", json::Object{{"total_files", ending.items},
                                                    {"successful_files", ending.succeeded},
                                                    {"failed_files", ending.items - ending.succeeded}}}});
}

class NotifyWebhook final : public StepKind {
 public:
  NotifyWebhook(const egress::Client& client, const Clock& clock) : client_(client), clock_(clock) {
    about_.name = "notify.webhook";
    about_.summary = "A signed call to a URL when the execution has ended.";
    about_.role = Role::leaf;
    about_.with = schema();
    about_.secrets = true;
    about_.lasting = true;
  }
  const About& about() const override { return about_; }

  void check(Checking& what) const override {
    const auto url = text(what.step.with, "url");
    if (!url.empty() && !has_templates(url) && !client_.guard().may_name(url))
      what.problems.add("egress_forbidden", what.path / "url", "This server does not call that address.");
  }

  StepResult run(const Call& call, std::stop_token stop) override {
    if (!call.ending || !wanted(call.with, call.ending->state)) return Output{};
    egress::Request request;
    request.method = "POST";
    request.url = text(call.with, "url");
    request.body = body_of(call);
    request.headers = {{"Content-Type", "application/json"}};
    if (const auto secret = text(call.with, "secret"); !secret.empty()) sign(request, secret, call.token);
    const auto* retries = call.with.if_contains("max_retries");
    const bool more = call.attempt <= (retries && retries->is_int64() ? retries->get_int64() : default_retries);
    const auto answer = client_.send(request, stop);
    if (!answer) {
      auto fault = failed(fault::sink_failed, answer.error());
      fault.again = more && egress::is_passing(answer.error());
      return fault;
    }
    if (answer->ok()) return Output{};
    auto fault = failed(fault::sink_failed, "The server answered " + std::to_string(answer->status) + ".");
    fault.again = more && egress::is_passing(answer->status);
    fault.retry_after = answer->retry_after();
    return fault;
  }

 private:
  void sign(egress::Request& request, const std::string& secret, const std::string& id) const {
    const auto now = std::to_string(to_micros(clock_.now()) / 1'000'000);
    request.headers.emplace_back("webhook-id", id);
    request.headers.emplace_back("webhook-timestamp", now);
    request.headers.emplace_back("webhook-signature", webhook_signature(secret, id, now, request.body));
  }

  About about_;
  const egress::Client& client_;
  const Clock& clock_;
};

}  // namespace

std::string webhook_signature(std::string_view secret, std::string_view id, std::string_view timestamp,
                              std::string_view body) {
  constexpr std::string_view encoded = "whsec_";
  const auto key = secret.starts_with(encoded) ? from_base64(secret.substr(encoded.size())) : std::nullopt;
  const auto signed_text = std::string(id) + "." + std::string(timestamp) + "." + std::string(body);
  const auto mac = hmac_sha256(key ? std::string_view(*key) : secret, signed_text);
  return "v1," + base64(as_text(mac));
}

std::unique_ptr<StepKind> make_notify_webhook(const egress::Client& client, const Clock& clock) {
  return std::make_unique<NotifyWebhook>(client, clock);
}

}  // namespace toll::workflows::steps
