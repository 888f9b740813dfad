// Access to client pairs, where an administrator approves it: none -> pending -> approved | rejected. With approval
// switched off every account is approved, and a request asks for other quotas only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/random.h"
#include "base/result.h"
#include "identity/client_keys.h"
#include "sql/database.h"

namespace toll::media {

enum class AccessState { none, pending, approved, rejected };
std::string_view to_string(AccessState state);  // "NONE", ...
std::optional<AccessState> access_state_from(std::string_view name);

struct AccessRequest {
  std::string id;  // UUID
  AccountId account;
  AccessState status = AccessState::pending;
  std::int64_t mutation_quota = 0, query_quota = 0;
  std::optional<std::string> reason;  // of a refusal
  Time created_at;
  std::optional<Time> decided_at;
};

struct ListAccess {
  std::optional<AccessState> status;
  std::int64_t limit = 10, offset = 0;
};

// Thread-safe; everything runs in the caller's transaction and writes its audit row there.
class Access {
 public:
  Access(const Clock& clock, Random& random, const identity::ClientKeys& keys, bool needs_approval)
      : clock_(clock), random_(random), keys_(keys), needs_approval_(needs_approval) {}

  // Of the account as a whole: approved once stays approved, whatever becomes of later requests.
  AccessState state(sql::Tx& tx, AccountId account) const;
  // Faults: access_not_approved.
  Result<void> check(sql::Tx& tx, AccountId account) const;
  // Faults: access_pending.
  Result<AccessRequest> ask(sql::Tx& tx, AccountId account, std::int64_t mutation_quota, std::int64_t query_quota,
                            const identity::Actor& by) const;
  // The account's newest.
  std::optional<AccessRequest> newest(sql::Tx& tx, AccountId account) const;

  // --- for administrators ---
  // Newest first.
  std::vector<AccessRequest> list(sql::Tx& tx, const ListAccess& which) const;
  std::int64_t count(sql::Tx& tx, const ListAccess& which) const;
  // Approval sets the quotas. Faults: access_request_not_found, access_decided.
  Result<AccessRequest> decide(sql::Tx& tx, std::string_view id, bool approve, std::optional<std::string> reason,
                               const identity::Actor& by) const;

 private:
  const Clock& clock_;
  Random& random_;
  const identity::ClientKeys& keys_;
  const bool needs_approval_;
};

}  // namespace toll::media
