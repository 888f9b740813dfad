// Cards, versions, aliases and deletion. Who does not see a model hears model_not_found; who sees it and may not write,
// repo_not_yours. Everything runs in the caller's transaction, with its feed row, audit row and log row.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "models/access_log.h"
#include "models/catalogue.h"
#include "models/feed.h"
#include "models/model.h"
#include "models/names.h"
#include "models/viewer.h"
#include "objects/objects.h"
#include "objects/slots.h"
#include "sql/database.h"

namespace toll::models {

struct AliasMoved {
  std::optional<std::string> previous;  // the version it pointed to
};

// Stateless but for its collaborators; thread-safe.
class Publishing {
 public:
  Publishing(const Clock& clock, const Catalogue& catalogue, const Feed& feed, const AccessLog& log,
             const objects::Objects& objects, const objects::Slots& slots);

  // Makes the model, or changes what the card names of an own one; nullopt keeps. is_public counts on creation only,
  // unless the model exists: then it changes visibility. Faults: repo_taken (any other owner, mirrored, or reserved).
  Result<RepoKey> save(sql::Tx& tx, const Viewer& by, std::string_view repo_id, const Card& card,
                       std::optional<bool> is_public, const Trace& trace) const;
  // Files, versions, aliases and grants go, URLs die, the name stays its owner's. Faults: model_not_found,
  // repo_not_yours.
  Result<void> remove(sql::Tx& tx, const Viewer& by, std::string_view repo_id, const Trace& trace) const;
  // A deleted name may be taken by anybody again. Faults: model_not_found, conflict (it is not deleted).
  Result<void> free_name(sql::Tx& tx, std::string_view repo_id, const Trace& trace) const;
  // Deletes all models of an account that leaves, in the transaction that deletes it.
  void remove_account(sql::Tx& tx, AccountId account) const;

  // A repeat changes nothing. Faults: model_not_found, repo_not_yours, version_is_alias.
  Result<void> add_version(sql::Tx& tx, const Viewer& by, std::string_view repo_id, std::string_view version,
                           std::optional<std::string_view> notes, const Trace& trace) const;
  // Faults: model_not_found, repo_not_yours, version_not_found, version_in_use with `alias`.
  Result<void> remove_version(sql::Tx& tx, const Viewer& by, std::string_view repo_id, std::string_view version,
                              const Trace& trace) const;
  // `production` of an installed model (told.h) takes the card along. Faults: model_not_found, repo_not_yours,
  // version_not_found, version_not_completed, alias_is_version.
  Result<AliasMoved> set_alias(sql::Tx& tx, const Viewer& by, std::string_view repo_id, std::string_view alias,
                               std::string_view version, const Trace& trace) const;
  // Faults: model_not_found, repo_not_yours.
  Result<void> remove_alias(sql::Tx& tx, const Viewer& by, std::string_view repo_id, std::string_view alias,
                            const Trace& trace) const;

  // The model, if `by` may write to it.
  Result<Model> writable(sql::Tx& tx, const Viewer& by, std::string_view repo_id) const;

 private:
  Result<RepoKey> create(sql::Tx& tx, const Viewer& by, std::string_view repo_id, const Card& card, bool is_public,
                         std::optional<RepoKey> deleted, const Trace& trace) const;
  void change(sql::Tx& tx, const Model& model, const Card& card, std::optional<bool> is_public,
              const Trace& trace) const;
  void erase(sql::Tx& tx, const Model& model) const;
  void erase_version(sql::Tx& tx, const Model& model, VersionKey version) const;

  const Clock& clock_;
  const Catalogue& catalogue_;
  const Feed& feed_;
  const AccessLog& log_;
  const objects::Objects& objects_;
  const objects::Slots& slots_;
};

}  // namespace toll::models
