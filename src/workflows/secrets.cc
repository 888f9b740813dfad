#include "workflows/secrets.h"

#include <sodium.h>

#include <algorithm>
#include <stdexcept>

#include "base/digest.h"
#include "base/text.h"
#include "workflows/problems.h"

namespace toll::workflows {

namespace {

constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
                      tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == sizeof(Sha256));

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

std::string derived(std::string_view server_secret) {
  if (::sodium_init() < 0) throw std::runtime_error("libsodium does not start");
  const auto key = hmac_sha256(server_secret, "secrets of workflows");
  return std::string(as_text(key));
}

// What a box is tied to.
std::string place_of(const OrganisationId& organisation, std::string_view name) {
  return organisation.value() + '\n' + std::string(name);
}

std::string seal(const std::string& key, std::string_view value, const std::string& place) {
  std::string out(nonce_bytes + value.size() + tag_bytes, '\0');
  ::randombytes_buf(out.data(), nonce_bytes);
  ::crypto_aead_xchacha20poly1305_ietf_encrypt(bytes(out) + nonce_bytes, nullptr, bytes(value), value.size(),
                                               bytes(std::string_view(place)), place.size(), nullptr, bytes(out),
                                               bytes(std::string_view(key)));
  return out;
}

std::optional<std::string> unseal(const std::string& key, const std::string& box, const std::string& place) {
  if (box.size() < nonce_bytes + tag_bytes) return std::nullopt;
  std::string out(box.size() - nonce_bytes - tag_bytes, '\0');
  const auto wrong = ::crypto_aead_xchacha20poly1305_ietf_decrypt(
      bytes(out), nullptr, nullptr, bytes(std::string_view(box)) + nonce_bytes, box.size() - nonce_bytes,
      bytes(std::string_view(place)), place.size(), bytes(std::string_view(box)), bytes(std::string_view(key)));
  if (wrong) return std::nullopt;
  return out;
}

Result<void> check(std::string_view name, std::string_view value) {
  Problems problems;
  const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; };
  if (name.empty() || name.size() > 64 || !std::ranges::all_of(name, plain))
    problems.add("invalid", {std::string("name")}, "A name is 1 to 64 of A-Z, a-z, 0-9, _ and -.");
  if (value.empty()) problems.add("required", {std::string("value")}, "This field may not be blank.");
  if (value.size() > Secrets::most_bytes)
    problems.add("max_length", {std::string("value")}, "Ensure this field has no more than 16384 characters.");
  if (!valid_utf8(value) || value.find('\0') != value.npos)
    problems.add("invalid", {std::string("value")}, "Not a valid string.");
  return std::move(problems).result();
}

}  // namespace

Secrets::Secrets(std::string_view server_secret, const Clock& clock) : key_(derived(server_secret)), clock_(clock) {}

Result<void> Secrets::put(sql::Tx& tx, const OrganisationId& organisation, std::string_view name,
                          std::string_view value) const {
  if (auto checked = check(name, value); !checked) return checked;
  const auto box = seal(key_, value, place_of(organisation, name));
  tx.exec(
      "INSERT INTO workflow_secrets (organisation_id, name, box, updated_at) VALUES ($1, $2, $3, $4) "
      "ON CONFLICT (organisation_id, name) DO UPDATE SET box = excluded.box, updated_at = excluded.updated_at",
      organisation, name, sql::Blob{box}, clock_.now());
  const auto count = tx.one("SELECT count(*) FROM workflow_secrets WHERE organisation_id = $1", organisation);
  if (count->integer(0) > static_cast<std::int64_t>(most))
    return Fault(Reason::limit_reached).with("limit", std::to_string(most)).with("things", "secrets");
  return {};
}

std::vector<std::string> Secrets::names(sql::Tx& tx, const OrganisationId& organisation) const {
  std::vector<std::string> out;
  for (const auto& row :
       tx.query("SELECT name FROM workflow_secrets WHERE organisation_id = $1 ORDER BY name", organisation))
    out.push_back(row.text(0));
  return out;
}

bool Secrets::exists(sql::Tx& tx, const OrganisationId& organisation, std::string_view name) const {
  return tx.one("SELECT 1 FROM workflow_secrets WHERE organisation_id = $1 AND name = $2", organisation, name)
      .has_value();
}

Result<void> Secrets::remove(sql::Tx& tx, const OrganisationId& organisation, std::string_view name) const {
  if (tx.exec("DELETE FROM workflow_secrets WHERE organisation_id = $1 AND name = $2", organisation, name) == 0)
    return Reason::secret_not_found;
  return {};
}

void Secrets::remove_all(sql::Tx& tx, const OrganisationId& organisation) const {
  tx.exec("DELETE FROM workflow_secrets WHERE organisation_id = $1", organisation);
}

std::optional<std::string> Secrets::open(sql::Tx& tx, const OrganisationId& organisation, std::string_view name) const {
  const auto row =
      tx.one("SELECT box FROM workflow_secrets WHERE organisation_id = $1 AND name = $2", organisation, name);
  if (!row) return std::nullopt;
  return unseal(key_, row->text(0), place_of(organisation, name));
}

}  // namespace toll::workflows
