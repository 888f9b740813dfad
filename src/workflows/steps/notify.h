// notify.webhook: a signed call to a URL when an execution has ended.
#pragma once

#include <memory>

#include "base/clock.h"
#include "egress/client.h"
#include "workflows/step.h"

namespace toll::workflows::steps {

// Both outlive it.
std::unique_ptr<StepKind> make_notify_webhook(const egress::Client& client, const Clock& clock);

// The signature field of Standard Webhooks: "v1," and the HMAC-SHA256 of "<id>.<timestamp>.<body>" in base64. A secret
// that begins with "whsec_" is the base64 of the key, any other is the key.
std::string webhook_signature(std::string_view secret, std::string_view id, std::string_view timestamp,
                              std::string_view body);

}  // namespace toll::workflows::steps
