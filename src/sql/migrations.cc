#include "sql/migrations.h"

#include <algorithm>

#include "base/digest.h"

namespace toll::sql {

namespace {

// "toll" in ASCII: the advisory lock that servers take while they migrate.
constexpr std::int64_t migration_lock = 0x746f6c6c;

struct Applied {
  std::int64_t version;
  std::string name;
  std::string sha256;
};

// Makes this transaction the only one that migrates, and the table of what has been applied.
void begin(Tx& tx) {
  if (tx.engine() == Engine::postgres) {
    tx.exec("SET LOCAL statement_timeout = 0");
    tx.query("SELECT pg_advisory_xact_lock(CAST($1 AS BIGINT))", migration_lock);
  }
  tx.script(
      "CREATE TABLE IF NOT EXISTS schema_migrations ("
      "version BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at BIGINT NOT NULL)");
}

std::vector<Applied> applied(Tx& tx) {
  std::vector<Applied> out;
  for (const auto& row : tx.query("SELECT version, name, sha256 FROM schema_migrations ORDER BY version"))
    out.push_back({row.integer(0), row.text(1), row.text(2)});
  return out;
}

// Throws when the database and this binary do not tell the same story.
void check(const std::vector<Applied>& applied, std::span<const Migration> known) {
  for (const auto& row : applied) {
    const auto same = std::find_if(known.begin(), known.end(), [&](const auto& m) { return m.version == row.version; });
    if (same == known.end())
      throw Error("the database has migration " + row.name +
                  ", which this program does not know: it is older than the database");
    if (hex(sha256(same->sql)) != row.sha256)
      throw Error("migration " + row.name +
                  " has been changed since it was applied; changes belong into a new migration");
  }
}

// The first that is missing; a late one with a smaller number than an applied one counts too.
const Migration* missing(const std::vector<Applied>& applied, std::span<const Migration> known) {
  for (const auto& migration : known)
    if (std::none_of(applied.begin(), applied.end(), [&](const auto& row) { return row.version == migration.version; }))
      return &migration;
  return nullptr;
}

void apply(Tx& tx, const Migration& migration, Time now) {
  try {
    tx.script(migration.sql);
  } catch (const Error& error) {
    throw Error("migration " + std::string(migration.name) + " failed: " + error.what());
  }
  tx.exec("INSERT INTO schema_migrations (version, name, sha256, applied_at) VALUES ($1, $2, $3, $4)",
          migration.version, migration.name, hex(sha256(migration.sql)), now);
}

}  // namespace

std::vector<std::string> migrate(Database& db, Time now) {
  return migrate(db, migrations(db.engine()), now);
}

std::vector<std::string> migrate(Database& db, std::span<const Migration> known, Time now) {
  std::vector<std::string> names;
  for (;;) {
    const auto name = db.write([&](Tx& tx) -> std::string {
      begin(tx);
      const auto before = applied(tx);
      check(before, known);
      const auto* next = missing(before, known);
      if (!next) return {};
      apply(tx, *next, now);
      return std::string(next->name);
    });
    if (name.empty()) return names;
    names.push_back(name);
  }
}

}  // namespace toll::sql
