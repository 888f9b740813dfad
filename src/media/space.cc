#include "media/space.h"

namespace toll::media {

namespace {

// "users/<uid>/media/<mid>/<name>": the parts, or nothing.
struct Key {
  Mid mid;
  std::string_view name;
};

std::optional<Key> parse(std::string_view key) {
  constexpr std::string_view folder = "/media/";
  constexpr std::size_t id = 24;
  const auto at = key_prefix.size() + id;
  if (key.substr(0, key_prefix.size()) != key_prefix || key.substr(std::min(at, key.size()), folder.size()) != folder)
    return std::nullopt;
  const auto rest = key.substr(at + folder.size());
  if (rest.size() <= id + 1 || rest[id] != '/') return std::nullopt;
  return Key{Mid(std::string(rest.substr(0, id))), rest.substr(id + 1)};
}

}  // namespace

Result<objects::Readable> MediaSpace::find(sql::Tx& tx, std::string_view key, const objects::Bearer& bearer) const {
  const auto asked = parse(key);
  const auto record = asked ? records_.find(tx, asked->mid) : std::nullopt;
  if (!record || key != key_of(*record, asked->name)) return Reason::object_not_found;
  if (bearer && *bearer != record->account) return Reason::object_not_found;
  const auto object = records_.objects().find(tx, record->mid.value(), object_role, asked->name);
  if (!object) return Reason::object_not_found;
  const auto type = asked->name == original_name    ? std::string_view(record->content_type)
                    : asked->name == reference_name ? "application/octet-stream"
                                                    : forensics::content_type_of(asked->name);
  return objects::Readable{object->digest, object->size, object->created_at, std::string(type)};
}

}  // namespace toll::media
