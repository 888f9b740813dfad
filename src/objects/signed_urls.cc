#include "objects/signed_urls.h"

#include <algorithm>

#include "base/text.h"

namespace toll::objects {

namespace sigv4 = blob::sigv4;

namespace {

constexpr std::string_view user_name = "x-tollhouse-user", slot_name = "x-tollhouse-slot";
constexpr std::string_view upload_name = "uploadId", part_name = "partNumber";

Fault not_valid(std::string_view why) {
  return Fault(Reason::url_not_valid).with("why", std::string(why));
}

Fault fault_of(sigv4::Refusal refusal) {
  switch (refusal) {
    case sigv4::Refusal::not_signed:
      return not_valid("Anonymous access is forbidden");
    case sigv4::Refusal::expired:
      return not_valid("Request has expired");
    case sigv4::Refusal::not_yet_valid:
      return not_valid("Request is not valid yet");
    case sigv4::Refusal::malformed:
      return not_valid("The query-string authentication parameters are not complete or not in their form");
    case sigv4::Refusal::bad_expires:
      return not_valid("X-Amz-Expires must be between 1 and 604800 seconds");
    case sigv4::Refusal::unknown_key:
    case sigv4::Refusal::other_scope:
      return not_valid("The access key or its scope is not one of this store");
    case sigv4::Refusal::bad_signature:
      break;
  }
  return Fault(Reason::bad_signature);
}

}  // namespace

SignedUrls::SignedUrls(Settings settings, const Clock& clock) : settings_(std::move(settings)), clock_(clock) {}

std::string SignedUrls::read(std::string_view origin, std::string_view key, AccountId bearer,
                             std::chrono::seconds expires) const {
  return sign("GET", origin, key, {{std::string(user_name), std::to_string(bearer.value())}}, expires);
}

std::string SignedUrls::write(std::string_view origin, const Slot& slot, std::chrono::seconds expires,
                              sigv4::Pairs headers) const {
  return sign(
      "PUT", origin, slot.key,
      {{std::string(user_name), std::to_string(slot.account.value())}, {std::string(slot_name), slot.id.value()}},
      expires, std::move(headers));
}

std::string SignedUrls::write_part(std::string_view origin, const Slot& slot, int number,
                                   std::chrono::seconds expires) const {
  return sign("PUT", origin, slot.key,
              {{std::string(user_name), std::to_string(slot.account.value())},
               {std::string(upload_name), slot.id.value()},
               {std::string(part_name), std::to_string(number)}},
              expires);
}

std::string SignedUrls::sign(std::string method, std::string_view origin, std::string_view key, sigv4::Pairs query,
                             std::chrono::seconds expires, sigv4::Pairs headers) const {
  const auto now = clock_.now();
  return sigv4::presign(settings_.credentials, {settings_.region},
                        {.method = std::move(method),
                         .origin = std::string(origin),
                         .path = settings_.folder + settings_.bucket + "/" + std::string(key),
                         .query = std::move(query),
                         .headers = std::move(headers),
                         .expires = expires.count(),
                         .key = key_of_day(now)},
                        now);
}

// Of a list of a thousand URLs each would cost four HMACs more.
Sha256 SignedUrls::key_of_day(Time now) const {
  const auto day = sigv4::stamp(now).substr(0, 8);
  std::lock_guard lock(mutex_);
  if (day_ != day) {
    key_ = sigv4::signing_key(settings_.credentials.secret_key, now, {settings_.region});
    day_ = day;
  }
  return key_;
}

Result<sigv4::Verified> SignedUrls::verify(const sigv4::Incoming& request) const {
  // Any region: signers of other tools have their own default, and it guards nothing here.
  const sigv4::Scope scope{"", "s3"};
  const auto now = clock_.now();
  const auto at_public_host = [&](std::string_view name) -> std::optional<std::string> {
    if (name == "host") return settings_.public_host;
    return request.header(name);
  };
  sigv4::Refusal why = sigv4::Refusal::bad_signature;
  // What a GET is allowed a HEAD is allowed. A proxy may have written another Host than the one that was signed.
  for (auto method : {request.method, request.method == "HEAD" ? std::string_view("GET") : std::string_view()})
    for (bool proxied : {false, true}) {
      if (method.empty() || (proxied && settings_.public_host.empty())) continue;
      auto attempt = request;
      attempt.method = method;
      if (proxied) attempt.header = at_public_host;
      auto outcome = sigv4::verify(attempt, settings_.credentials, scope, now);
      if (auto* verified = std::get_if<sigv4::Verified>(&outcome)) return std::move(*verified);
      why = std::get<sigv4::Refusal>(outcome);
      if (why != sigv4::Refusal::bad_signature) return fault_of(why);
    }
  return fault_of(why);
}

Result<Permit> SignedUrls::check(const sigv4::Incoming& request) const {
  auto verified = verify(request);
  if (!verified) return std::move(verified).error();
  const std::string folder = settings_.folder + settings_.bucket + "/";
  if (!verified->path.starts_with(folder)) return Reason::object_not_found;
  Permit permit;
  permit.key = verified->path.substr(folder.size());
  permit.expires_at = verified->expires_at;
  if (auto user = verified->find(user_name)) {
    const auto id = parse_int(*user);
    if (!id) return not_valid("The user of the URL is not in its form");
    permit.bearer = AccountId(*id);
  }
  if (auto slot = verified->find(slot_name)) permit.slot = SlotId(*slot);
  if (auto number = verified->find(part_name)) {
    permit.part = static_cast<int>(std::clamp<std::int64_t>(parse_int(*number).value_or(0), 0, most_parts + 1));
    permit.slot = SlotId(verified->find(upload_name).value_or(""));
  }
  permit.content_type = verified->find("response-content-type");
  permit.content_disposition = verified->find("response-content-disposition");
  return permit;
}

}  // namespace toll::objects
