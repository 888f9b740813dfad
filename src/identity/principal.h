// Every credential of every surface becomes one Credential, and that one Principal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

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

// What a request showed, as the dialect found it; nothing has been checked.
struct Credential {
  CredentialKind kind = CredentialKind::session;
  std::string secret;
  std::string id;  // client_pair: the client id
};

// Who is asking, checked.
struct Principal {
  AccountId account;  // 0 for the admin token
  bool admin = false;
  CredentialKind via = CredentialKind::session;
  std::optional<KeyId> key;
  std::string session_id;           // jti, when via is session
  std::vector<std::string> scopes;  // of the key; a session has none and is held to no scope
  std::string plan;

  bool by_session() const { return via == CredentialKind::session; }
};

}  // namespace toll::identity
