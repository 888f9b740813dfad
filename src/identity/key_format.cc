#include "identity/key_format.h"

#include <array>
#include <stdexcept>

#include "base/digest.h"
#include "base/text.h"

namespace toll::identity {

namespace {

constexpr std::size_t check_length = 6;

struct Format {
  KeyKind kind;
  CredentialKind credential;
  std::string_view name;
  std::string_view prefix;
  std::string_view alphabet;
  std::size_t random_length;
  std::size_t shown;  // characters that may be shown
};

constexpr std::array<Format, 5> formats{{
    {KeyKind::stems, CredentialKind::stems_key, "stems", "sk_", base64url_alphabet, 37, 7},
    {KeyKind::tunes, CredentialKind::tunes_key, "tunes", "tt_", base62_alphabet, 26, 11},
    {KeyKind::deployment, CredentialKind::deployment_key, "deployment", "unst_", base64url_alphabet, 37, 9},
    {KeyKind::registry, CredentialKind::registry_key, "registry", "sk_live_", base64url_alphabet, 37, 12},
    {KeyKind::client, CredentialKind::client_pair, "client", "", base64url_alphabet, 37, 4},
}};

const Format& format_of(KeyKind kind) {
  return formats[static_cast<std::size_t>(kind)];
}

constexpr std::string_view registry_prefix = "sk_live_", hub_prefix = "hf_";

}  // namespace

std::string_view to_string(KeyKind kind) {
  return format_of(kind).name;
}

CredentialKind credential_kind_of(KeyKind kind) {
  return format_of(kind).credential;
}

KeyKind key_kind_of(CredentialKind kind) {
  for (const auto& format : formats)
    if (format.credential == kind) return format.kind;
  throw std::logic_error("this kind of credential is no key");
}

std::string key_check(std::string_view text) {
  return base62(crc32(text), check_length);
}

std::string generate_key(KeyKind kind, Random& random) {
  const Format& format = format_of(kind);
  for (;;) {
    std::string key(format.prefix);
    key += random.text(format.random_length, format.alphabet);
    if (kind == KeyKind::stems && key.starts_with(registry_prefix)) continue;
    return key + key_check(key);
  }
}

std::string generate_client_id(Random& random) {
  return random.text(24, "0123456789abcdef");
}

std::string canonical_key(KeyKind kind, std::string_view key) {
  if (kind == KeyKind::registry && key.starts_with(hub_prefix))
    return std::string(registry_prefix).append(key.substr(hub_prefix.size()));
  return std::string(key);
}

bool well_formed(KeyKind kind, std::string_view key) {
  if (kind == KeyKind::registry && key.starts_with(hub_prefix)) return well_formed(kind, canonical_key(kind, key));
  const Format& format = format_of(kind);
  if (key.size() != format.prefix.size() + format.random_length + check_length || !key.starts_with(format.prefix))
    return false;
  if (kind == KeyKind::stems && key.starts_with(registry_prefix)) return false;
  const auto checked = key.substr(0, key.size() - check_length);
  if (checked.find_first_not_of(format.alphabet, format.prefix.size()) != checked.npos) return false;
  return key_check(checked) == key.substr(checked.size());
}

std::string key_prefix(KeyKind kind, std::string_view key) {
  return std::string(key.substr(0, format_of(kind).shown));
}

}  // namespace toll::identity
