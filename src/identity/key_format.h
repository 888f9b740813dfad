// The formats of all API keys: prefix, random characters, and a CRC-32 check that refuses typing errors without a
// lookup.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "identity/principal.h"

namespace toll::identity {

enum class KeyKind : std::uint8_t { stems, tunes, deployment, registry, client };
std::string_view to_string(KeyKind kind);
KeyKind key_kind_of(CredentialKind kind);  // throws std::logic_error for session and admin_token
CredentialKind credential_kind_of(KeyKind kind);

// The six check characters: CRC-32 (IEEE) of `text` in base62, most significant first, padded with 0.
std::string key_check(std::string_view text);

// A new secret; for KeyKind::client the client secret, which has no prefix. A stems key never begins with sk_live_.
std::string generate_key(KeyKind kind, Random& random);
// 24 lower-case hexadecimal characters.
std::string generate_client_id(Random& random);
// Prefix, length, alphabet and check. A registry key may be written with hf_ for sk_live_: one Hub client refuses other
// prefixes.
bool well_formed(KeyKind kind, std::string_view key);

// As it was generated, whatever spelling was shown: what is hashed.
std::string canonical_key(KeyKind kind, std::string_view key);

// The first characters that may be shown: 7 of a stems key, 11 of a tunes key.
std::string key_prefix(KeyKind kind, std::string_view key);

}  // namespace toll::identity
