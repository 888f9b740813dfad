// Every credential of every surface becomes one Credential, and that one Principal.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "identity/address_rules.h"
#include "identity/plans.h"
#include "identity/roles.h"
#include "metering/quota.h"
#include "metering/subject.h"

namespace toll::identity {

enum class CredentialKind : std::uint8_t {
  session,         // a JWT of ours
  stems_key,       // sk_
  tunes_key,       // tt_
  deployment_key,  // unst_
  registry_key,    // sk_live_
  client_pair,     // id and secret
  admin_token      // the operator's
};
std::string_view to_string(CredentialKind kind);

// What a request showed, as the dialect found it; nothing has been checked. Views of the request.
struct Credential {
  CredentialKind kind = CredentialKind::session;
  std::string_view secret;
  std::string_view id;  // client_pair: the client id
};

// Who is asking, checked.
struct Principal {
  AccountId account;  // 0 for the admin token
  bool admin = false;
  Role role = Role::developer;  // in the registry
  CredentialKind via = CredentialKind::session;
  std::optional<KeyId> key;
  metering::Subject subject;        // whose calls are counted, for a key
  std::string session_id;           // jti, when via is session
  std::vector<std::string> scopes;  // of the key; a session has none and is held to no scope
  Plan plan = Plan::free;
  metering::Limits limits;  // of a tunes key: its own, never above the plan's; else what the plan allows a key
  std::shared_ptr<const metering::Allowances> quotas;  // of a client pair; null: nothing is counted for ever
  std::shared_ptr<const AddressRules> allowed_from;  // of a key; null: it may be used from anywhere
  std::string organisation;                          // of a deployment or management key
  std::string deployment;                            // of a deployment key

  bool by_session() const { return via == CredentialKind::session; }
  bool has_scope(std::string_view scope) const;
};
// Shared with the cache: the same credential is the same object until it is forgotten, and nothing is copied.
using PrincipalPtr = std::shared_ptr<const Principal>;
// Nobody: what an open route sees.
const PrincipalPtr& nobody();

}  // namespace toll::identity
