// Columns of the registry's tables and the structs they become.
#pragma once

#include <string_view>

#include "models/model.h"
#include "sql/database.h"

namespace toll::models {

// Of `model_repos r`; model_of reads them from column 0 on.
inline constexpr std::string_view model_columns =
    "r.id, r.revision, r.repo_id, r.owner_id, r.is_public, r.canonical_url, r.model_name, r.author, r.pipeline_tag, "
    "r.license, r.languages, r.tags, r.engine, r.parameters, r.parameters_readable, r.downloads, r.likes, "
    "r.created_at, "
    "r.last_modified, r.last_update_ts, r.file_count, r.has_safetensors, r.has_bin, r.source_commit";
inline constexpr std::size_t model_column_count = 24;
Model model_of(const sql::Row& row);

// Of `model_files f` and `model_versions v`.
inline constexpr std::string_view file_columns =
    "f.rfilename, v.version, f.ready, f.size, f.sha256, f.object_key, f.updated_ts";
inline constexpr std::string_view files_with_versions = "model_files f LEFT JOIN model_versions v ON v.id = f.version";
File file_of(const sql::Row& row);

// Whose life the stored bytes of a version's files share, in the table of objects.
std::string objects_owner(RepoKey repo, VersionKey version);
inline constexpr std::string_view objects_role = "model";

}  // namespace toll::models
