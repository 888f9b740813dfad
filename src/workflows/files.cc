#include "workflows/files.h"

#include "base/digest.h"
#include "workflows/executions.h"
#include "workflows/rows.h"

namespace toll::workflows {

std::string file_key(const ExecutionId& execution, std::int64_t ordinal, std::string_view step, std::string_view name) {
  return "executions/" + execution.value() + "/" + result_file_name(ordinal, step, name);
}

Result<objects::Readable> FileSpace::find(sql::Tx& tx, std::string_view key, const objects::Bearer& bearer) const {
  key.remove_prefix(std::min(key.size(), prefix().size()));
  const auto slash = key.find('/');
  if (slash == key.npos) return Reason::object_not_found;
  const auto row = tx.one("SELECT payer_id, expires_at FROM executions WHERE id = $1", key.substr(0, slash));
  if (!row) return Reason::object_not_found;
  if (bearer && bearer->value() != row->integer(0)) return Reason::url_not_valid;
  if (const auto expires = row->maybe_time(1); expires && *expires <= clock_.now()) return Reason::object_not_found;
  const auto object = objects_.find(tx, key.substr(0, slash), result_role, key.substr(slash + 1));
  if (!object) return Reason::object_not_found;
  objects::Readable out;
  out.digest = object->digest;
  out.size = object->size;
  out.modified = object->created_at;
  return out;
}

}  // namespace toll::workflows
