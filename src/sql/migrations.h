// The schema's history. Files NNN_name.sql of migrations/<engine>/ are compiled into the binary; each runs once, in
// order, in one transaction with its row in schema_migrations (version, name, sha256, applied_at).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sql/database.h"

namespace toll::sql {

struct Migration {
  int version;
  std::string_view name;
  std::string_view sql;  // any number of statements
};

// What is compiled in, by version.
std::span<const Migration> migrations(Engine engine);

// Applies what is missing and returns the names applied now; empty when there was nothing to do. Safe when two servers
// start at once. Throws Error when an applied file has been changed since, or when the database is newer than this
// binary.
std::vector<std::string> migrate(Database& db, Time now);
std::vector<std::string> migrate(Database& db, std::span<const Migration> known, Time now);

}  // namespace toll::sql
