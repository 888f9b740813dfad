#include <utility>

#include "sql/database.h"

namespace toll::sql {

// A row for each constraint that a caller can run into by what they send. One that is not here is a bug of ours.
static constexpr std::pair<std::string_view, Reason> meanings[] = {
    {"accounts_email", Reason::email_taken},
    {"accounts_username", Reason::username_taken},
    {"api_keys_account_id_name", Reason::key_name_taken},
    {"accounts_email_folded", Reason::email_taken},
    {"accounts_username_folded", Reason::username_taken},
    {"api_keys_account_id_kind_is_default", Reason::key_exists},
    {"api_keys_account_id_kind_name", Reason::key_name_taken},
    {"objects_owner_role_name", Reason::conflict},
    {"model_files_object_key", Reason::conflict},
};

std::optional<Reason> reason_of_constraint(std::string_view name) {
  for (const auto& [constraint, reason] : meanings)
    if (constraint == name) return reason;
  return std::nullopt;
}

}  // namespace toll::sql
