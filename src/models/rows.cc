#include "models/rows.h"

#include <fmt/format.h>

namespace toll::models {

Model model_of(const sql::Row& row) {
  const auto owner = row.maybe_integer(3);
  return {.key = RepoKey(row.integer(0)),
          .revision = row.integer(1),
          .repo_id = row.text(2),
          .owner = owner ? std::optional(AccountId(*owner)) : std::nullopt,
          .is_public = row.boolean(4),
          .card = {.canonical_url = row.maybe_text(5),
                   .model_name = row.maybe_text(6),
                   .author = row.maybe_text(7),
                   .pipeline_tag = row.maybe_text(8),
                   .license = row.maybe_text(9),
                   .languages = row.maybe_text(10),
                   .tags = row.maybe_text(11),
                   .engine = row.maybe_text(12),
                   .parameters = row.maybe_integer(13)},
          .parameters_readable = row.maybe_text(14),
          .downloads = row.integer(15),
          .likes = row.maybe_integer(16),
          .created_at = row.maybe_time(17),
          .last_modified = row.maybe_time(18),
          .last_update_ts = row.integer(19),
          .file_count = row.integer(20),
          .has_safetensors = row.boolean(21),
          .has_bin = row.boolean(22),
          .source_commit = row.maybe_text(23)};
}

File file_of(const sql::Row& row) {
  return {.rfilename = row.text(0),
          .version = row.maybe_text(1),
          .ready = row.boolean(2),
          .size = row.maybe_integer(3),
          .sha256 = row.maybe_text(4),
          .object_key = row.text(5),
          .updated_ts = row.integer(6)};
}

std::string objects_owner(RepoKey repo, VersionKey version) {
  return fmt::format("model:{}:{}", repo.value(), version.value());
}

}  // namespace toll::models
