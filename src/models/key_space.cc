#include "models/key_space.h"

#include <fmt/format.h>

#include "models/rows.h"
#include "objects/digest_text.h"

namespace toll::models {

RegistryKeys::RegistryKeys(const Clock& clock, const Uploads& uploads, AccessRecorder& recorder)
    : clock_(clock), uploads_(uploads), recorder_(recorder) {}

Result<objects::Readable> RegistryKeys::find(sql::Tx& tx, std::string_view key, const objects::Bearer& bearer) const {
  const auto row = tx.one(
      "SELECT f.size, f.sha256, f.updated_ts, r.repo_id FROM model_files f JOIN model_repos r ON r.id = f.repo WHERE "
      "f.object_key = $1 AND f.ready = 1 AND r.deleted = 0",
      key);
  if (bearer) {
    const auto account = tx.one("SELECT is_admin, role, active FROM accounts WHERE id = $1", *bearer);
    if (!account || !account->boolean(2)) return Reason::url_not_valid;
    if (row) {
      const Viewer viewer{*bearer, identity::role_of(account->boolean(0), account->text(1))};
      const auto seen = Catalogue(clock_).find(tx, viewer, row->text(3));
      if (!seen || !seen->rights.files) return Reason::url_not_valid;
    }
  }
  // A deleted model kills its URLs; who holds one is not told apart from who lost the right.
  if (!row) return bearer ? Reason::url_not_valid : Reason::object_not_found;
  return objects::Readable{.digest = objects::digest_from_text(row->text(1)),
                           .size = static_cast<std::uint64_t>(row->integer(0)),
                           .modified = Time(std::chrono::seconds(row->integer(2)))};
}

Result<void> RegistryKeys::may_write(sql::Tx& tx, const objects::Slot& slot) const {
  const auto row = tx.one(
      "SELECT a.active, a.is_admin, a.role, r.repo_id FROM model_uploads u JOIN accounts a ON a.id = u.account_id JOIN "
      "model_repos r ON r.id = u.repo WHERE u.id = $1",
      slot.id);
  if (!row || !row->boolean(0)) return Reason::url_not_valid;
  // The right to write can have gone since the URL was made.
  const Viewer viewer{slot.account, identity::role_of(row->boolean(1), row->text(2))};
  const auto seen = Catalogue(clock_).find(tx, viewer, row->text(3));
  if (!seen || !seen->rights.write) return Reason::url_not_valid;
  return {};
}

Result<void> RegistryKeys::landed(sql::Tx& tx, const objects::Slot& slot, const objects::Object& received) {
  return uploads_.landed(tx, slot, received);
}

void RegistryKeys::served(const objects::Serving& serving) {
  AccessRow row;
  row.account = serving.bearer;
  row.event = std::string(event_served);
  row.status = serving.status >= 400 ? "denied" : serving.aborted ? "error" : "ok";
  row.object_key = serving.key;
  row.size = static_cast<std::int64_t>(serving.size);
  row.bytes = static_cast<std::int64_t>(serving.bytes);
  row.remote = serving.remote;
  row.user_agent = serving.user_agent;
  row.request_id = serving.request_id;
  recorder_.record(std::move(row));
}

}  // namespace toll::models
