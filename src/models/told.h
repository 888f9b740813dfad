// What the source of a version tells of the model, kept with the version: it is what the card says while that version
// serves, and how words of an administrator are told from words of a source.
//
// Of the system's models only (installs.h): what accounts say of theirs belongs to no version.
#pragma once

#include "base/clock.h"
#include "models/model.h"
#include "sql/database.h"

namespace toll::models {

// What was kept for this version before is replaced.
void keep_told(sql::Tx& tx, VersionKey version, const Card& card);
void forget_told(sql::Tx& tx, VersionKey version);
// The model's card, and its source_commit, say from now on what this version's source told; nothing changes for a
// version of which nothing is kept. A member stays that neither is empty nor says what the source of one of the model's
// versions told: an administrator set it. The feed is the caller's matter.
void retell(sql::Tx& tx, const Model& model, const Version& version, Time now);

}  // namespace toll::models
