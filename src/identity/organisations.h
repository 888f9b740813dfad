// Organisations: who shares workflows and deployments, and who pays for them. Every account has a personal one; its
// owner account pays. Who is no member cannot tell an organisation from none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/random.h"
#include "base/result.h"
#include "identity/audit.h"
#include "sql/database.h"

namespace toll::identity {

enum class OrganisationRole : std::uint8_t {
  viewer,  // reads
  member,  // everything but members
  owner    // everything
};
std::string_view to_string(OrganisationRole role);
std::optional<OrganisationRole> organisation_role_from(std::string_view name);

struct Organisation {
  std::string id;  // UUID
  std::string name;
  AccountId owner;
  bool personal = false;
  Time created_at;
  OrganisationRole role = OrganisationRole::owner;  // of the account that asks
};

struct Member {
  AccountId account;
  std::string email, username;
  OrganisationRole role = OrganisationRole::member;
  Time since;
};

inline constexpr std::size_t max_organisations = 100;  // that an account may make
inline constexpr std::size_t max_members = 1000;
inline constexpr std::size_t max_organisation_name = 100;  // code points

// Thread-safe; everything runs in the caller's transaction, and every change writes its audit row there.
class Organisations {
 public:
  Organisations(const Clock& clock, Random& random) : clock_(clock), random_(random) {}

  // The account's own: made if it has none yet. In a writing transaction.
  std::string personal(sql::Tx& tx, AccountId account) const;
  // Those the account is a member of: the personal one first, then by age.
  std::vector<Organisation> of(sql::Tx& tx, AccountId account) const;
  // nullopt: there is none of this id, or the account is no member. `id` in lower case.
  std::optional<Organisation> find(sql::Tx& tx, std::string_view id, AccountId account) const;
  // Faults: invalid_request (name), limit_reached.
  Result<Organisation> create(sql::Tx& tx, AccountId account, std::string_view name, const Actor& by) const;

  // Owner first, then by age.
  std::vector<Member> members(sql::Tx& tx, std::string_view organisation) const;
  // Adds an account, or gives it another role. The owner is not to be chosen: owner_stays. Faults: account_not_found,
  // owner_stays, limit_reached.
  Result<Member> put_member(sql::Tx& tx, std::string_view organisation, std::string_view email, OrganisationRole role,
                            const Actor& by) const;
  // Faults: not_found, owner_stays.
  Result<void> remove_member(sql::Tx& tx, std::string_view organisation, AccountId account, const Actor& by) const;

 private:
  Organisation insert(sql::Tx& tx, AccountId owner, std::string_view name, bool personal) const;

  const Clock& clock_;
  Random& random_;
};

}  // namespace toll::identity
