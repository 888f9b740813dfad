#include "models/refresh.h"

namespace toll::models {

void lock_version(sql::Tx& tx, VersionKey version) {
  tx.exec("UPDATE model_versions SET file_count = file_count WHERE id = $1", version);
}

void refresh_version(sql::Tx& tx, VersionKey version, Time now) {
  if (version.value() == 0) return;
  tx.exec(
      "UPDATE model_versions SET file_count = (SELECT count(*) FROM model_files f WHERE f.repo = model_versions.repo "
      "AND "
      "f.version = $1 AND f.ready = 1), size = (SELECT cast(coalesce(sum(f.size), 0) AS bigint) FROM model_files f "
      "WHERE "
      "f.repo = model_versions.repo AND f.version = $1 AND f.ready = 1) WHERE id = $1",
      version);
  // An upload of a file that is ready already keeps nothing open.
  tx.exec(
      "UPDATE model_versions SET completed_at = $2 WHERE id = $1 AND completed_at IS NULL AND file_count > 0 AND NOT "
      "EXISTS (SELECT 1 FROM model_files f WHERE f.repo = model_versions.repo AND f.version = $1 AND f.ready = 0) AND "
      "NOT "
      "EXISTS (SELECT 1 FROM model_uploads u WHERE u.version = $1 AND (u.received = 1 OR u.expires_at >= $2) AND NOT "
      "EXISTS (SELECT 1 FROM model_files f WHERE f.repo = u.repo AND f.rfilename = u.rfilename AND f.version = $1 AND "
      "f.ready = 1))",
      version, now);
}

void refresh_repo(sql::Tx& tx, RepoKey repo) {
  tx.exec(
      "UPDATE model_repos SET default_version = coalesce((SELECT a.version FROM model_aliases a WHERE a.repo = $1 AND "
      "a.alias = 'latest'), (SELECT max(v.id) FROM model_versions v WHERE v.repo = $1 AND v.completed_at IS NOT NULL)) "
      "WHERE id = $1",
      repo);
  // A suffix is compared as text: LIKE would treat the underscore of a name as any character.
  tx.exec(
      "UPDATE model_repos SET revision = revision + 1, (file_count, has_safetensors, has_bin) = (SELECT count(*), "
      "coalesce(max(CASE WHEN substr(f.rfilename, length(f.rfilename) - 11) = '.safetensors' THEN 1 ELSE 0 END), 0), "
      "coalesce(max(CASE WHEN length(f.rfilename) > 3 AND substr(f.rfilename, length(f.rfilename) - 3) = '.bin' THEN 1 "
      "ELSE 0 END), 0) FROM model_files f WHERE f.repo = $1 AND f.ready = 1 AND (f.version = 0 OR (f.version = "
      "model_repos.default_version AND NOT EXISTS (SELECT 1 FROM model_files plain WHERE plain.repo = $1 AND "
      "plain.rfilename = f.rfilename AND plain.version = 0)))) WHERE id = $1",
      repo);
}

}  // namespace toll::models
