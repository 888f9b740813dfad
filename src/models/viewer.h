// Who looks at the registry. What they see is one SQL condition, so that limits and offsets count what is seen.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"
#include "identity/roles.h"

namespace toll::models {

struct Viewer {
  AccountId account;
  identity::Role role = identity::Role::developer;

  // The operator's command line: sees and changes everything, owns nothing.
  static Viewer the_operator() { return {AccountId(0), identity::Role::admin}; }
  bool is_admin() const { return role == identity::Role::admin; }
};

// Conditions over `model_repos r`. $1 is the account and $2 the second that is now: the statement binds both.
// A developer sees public models, own ones, and those under an active grant; a platform only the last; an
// administrator all. Deleted repositories are not part of it: add r.deleted = 0.
std::string visible_to(identity::Role role);

// What a viewer may do with a model that they see.
struct Rights {
  bool files = false;                    // file list, manifest, download
  bool run = false;                      // on this house's engines
  bool write = false;                    // own, or administrator
  std::optional<std::int64_t> until_ts;  // reading rests on a grant alone, which ends at this second
};

}  // namespace toll::models
