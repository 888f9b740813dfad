#include "identity/key_uses.h"

#include <optional>
#include <string>

#include "identity/address_rules.h"

namespace toll::identity {

void write_key_uses(sql::Tx& tx, std::span<const metering::KeyUse> uses) {
  for (const auto& use : uses) {
    const Address address{use.address[0], use.address[1]};
    const auto from = address == Address() ? std::nullopt : std::optional(to_text(address));
    tx.exec(
        "UPDATE api_keys SET total_requests = total_requests + $2, last_used_at = CASE WHEN last_used_at > $3 THEN "
        "last_used_at ELSE $3 END, last_used_ip = coalesce($4, last_used_ip) WHERE id = $1",
        use.key, use.calls, use.last, from);
  }
}

}  // namespace toll::identity
