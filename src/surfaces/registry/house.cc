#include "surfaces/registry/house.h"

#include "objects/digest_text.h"

namespace toll::registry {

namespace {

Result<void> only(const identity::Principal& who, identity::Role role) {
  if (who.role == role || who.role == identity::Role::admin) return {};
  return Fault(Reason::role_required).with("role", std::string(to_string(role)));
}

std::string origin_of(const Call& call) {
  if (!call.house.public_url.empty()) return call.house.public_url;
  return (call.request.tls ? "https://" : "http://") + std::string(call.request.fields.get("Host"));
}

}  // namespace

Result<void> developers_only(const identity::Principal& who) {
  return only(who, identity::Role::developer);
}

Result<void> platforms_only(const identity::Principal& who) {
  return only(who, identity::Role::platform);
}

models::Viewer viewer(const Call& call) {
  return {call.who->account, call.who->role};
}

models::Trace trace(const Call& call) {
  return {.actor = call.actor(),
          .key = call.who->key,
          .remote = std::string(call.remote),
          .user_agent = std::string(call.request.fields.get("User-Agent")),
          .request_id = std::string(call.request_id)};
}

void note(const Call& call, models::AccessRow row) {
  if (call.request.method == api::Method::head) return;
  auto from = trace(call);
  row.account = from.actor.account;
  row.key = std::move(from.key);
  row.remote = std::move(from.remote);
  row.user_agent = std::move(from.user_agent);
  row.request_id = std::move(from.request_id);
  call.house.recorder.record(std::move(row));
}

void note_refusal(const Call& call, std::string_view event, std::string_view repo_id, const Fault& fault) {
  models::AccessRow row;
  row.event = std::string(event);
  row.status = fault.kind() == Kind::internal || fault.kind() == Kind::unavailable ? "error" : "denied";
  row.repo_id = std::string(repo_id);
  note(call, std::move(row));
}

Signer::Signer(const Call& call, std::int64_t seconds) : call_(call), origin_(origin_of(call)), expires_(seconds) {}

std::string Signer::read(std::string_view key) const {
  return call_.house.urls.read(origin_, key, call_.account(), expires_);
}

std::optional<std::string> Signer::read_if_there(const models::File& file) const {
  if (!file.ready || !call_.house.store.exists(objects::digest_from_text(file.sha256.value()))) return std::nullopt;
  return read(file.object_key);
}

}  // namespace toll::registry
