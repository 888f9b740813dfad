// What workflows may use and nobody may read back: credentials of an organisation, encrypted with XChaCha20-Poly1305
// (libsodium) under a key of this server. A box is tied to its organisation and name: moved elsewhere it does not open.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sql/database.h"
#include "workflows/ids.h"

namespace toll::workflows {

// Thread-safe.
class Secrets {
 public:
  static constexpr std::size_t most = 1000, most_bytes = 16 * 1024;

  // `server_secret` is the server's own; its length does not matter.
  Secrets(std::string_view server_secret, const Clock& clock);

  // Makes or replaces it. Faults: invalid_request (name: 1 to 64 of A-Za-z0-9_-; value: 1 to 16 KiB of text),
  // limit_reached.
  Result<void> put(sql::Tx& tx, const OrganisationId& organisation, std::string_view name,
                   std::string_view value) const;
  std::vector<std::string> names(sql::Tx& tx, const OrganisationId& organisation) const;
  bool exists(sql::Tx& tx, const OrganisationId& organisation, std::string_view name) const;
  // Faults: secret_not_found.
  Result<void> remove(sql::Tx& tx, const OrganisationId& organisation, std::string_view name) const;
  void remove_all(sql::Tx& tx, const OrganisationId& organisation) const;

  // For steps alone. nullopt: there is none, or it was written under another key.
  std::optional<std::string> open(sql::Tx& tx, const OrganisationId& organisation, std::string_view name) const;

 private:
  const std::string key_;  // 32 bytes
  const Clock& clock_;
};

}  // namespace toll::workflows
