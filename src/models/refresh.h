// What lists show is kept beside the rows and not counted: to be called in the transaction of whatever changes files,
// versions or aliases.
#pragma once

#include "base/clock.h"
#include "models/model.h"
#include "sql/database.h"

namespace toll::models {

// Takes the version's row until the transaction ends: a landing PUT and a completing request come one after the other.
void lock_version(sql::Tx& tx, VersionKey version);
// Count, size, and completed_at: set once there is a ready file and no upload of another file is outstanding.
void refresh_version(sql::Tx& tx, VersionKey version, Time now);
// The default version, and what a download without a version reaches of it.
void refresh_repo(sql::Tx& tx, RepoKey repo);

}  // namespace toll::models
