// Language models behind the interface that OpenAI gave its chat completions: one request, one reply, with its count of
// tokens.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "egress/client.h"
#include "workflows/step.h"

namespace toll::workflows::steps {

struct Message {
  std::string role, content;
};

struct Completion {
  std::string base_url, model, api_key;  // an empty key is not sent
  std::vector<Message> messages;
  double temperature = 0;
  std::int64_t max_tokens = 0;  // 0: the model's own
  json::Value schema;           // of the reply, asked for as structured output; null: not asked for
  std::chrono::seconds timeout{60};
};

struct Reply {
  std::string content;
  std::int64_t prompt_tokens = 0, completion_tokens = 0;
};

// Thread-safe.
class Llm {
 public:
  // gateways: "URL=URL", a base URL that users name and the one that is called instead; the operator chose it, so it
  // may be private.
  Llm(const egress::Client& client, const std::vector<std::string>& gateways);

  // A server that does not know structured output is asked again without. StepFault: llm_unavailable (not reached, or
  // it refused; again where another attempt may do), egress_forbidden, cancelled.
  std::variant<Reply, StepFault> complete(const Completion& what, std::stop_token stop) const;

  // Whether this could ever be called (egress::Guard::may_name, or there is a gateway for it).
  bool may_name(const std::string& base_url) const;

 private:
  std::variant<Reply, StepFault> attempt(const Completion& what, bool structured, bool& refused,
                                         std::stop_token stop) const;

  const egress::Client& client_;
  std::map<std::string, std::string, std::less<>> gateways_;
};

}  // namespace toll::workflows::steps
