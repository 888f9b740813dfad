#include "workflows/files.h"

#include <algorithm>

#include "base/text.h"
#include "workflows/executions.h"
#include "workflows/rows.h"

namespace toll::workflows {

namespace {

// What a browser may be told: nothing that runs in it.
bool harmless(std::string_view mime) {
  if (mime.starts_with("audio/") || mime.starts_with("video/")) return true;
  if (mime.starts_with("image/")) return mime.find("svg") == mime.npos;
  return mime == "application/pdf" || mime == "application/json" || mime == "text/plain";
}

// As the step said that made "<item>/<step>/<name>".
std::string type_of_file(sql::Tx& tx, std::string_view execution, std::string_view name) {
  const auto step_at = name.find('/'), name_at = step_at == name.npos ? step_at : name.find('/', step_at + 1);
  if (name_at == name.npos) return {};
  const auto ordinal = parse_int(name.substr(0, step_at));
  const auto row = tx.one("SELECT files FROM execution_steps WHERE execution_id = $1 AND ordinal = $2 AND step = $3",
                          execution, ordinal.value_or(-1), name.substr(step_at + 1, name_at - step_at - 1));
  if (row)
    for (const auto& [step, file] : files_of(stored_json(row->maybe_text(0))))
      if (file.name == name.substr(name_at + 1) && harmless(file.mime)) return file.mime;
  return {};
}

}  // namespace

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
  if (auto type = type_of_file(tx, key.substr(0, slash), key.substr(slash + 1)); !type.empty())
    out.content_type = std::move(type);
  return out;
}

}  // namespace toll::workflows
