#include "objects/objects.h"

#include <algorithm>

#include "base/text.h"
#include "objects/digest_text.h"

namespace toll::objects {

namespace {

std::string selecting(std::string_view rest) {
  return "SELECT o.id, o.account_id, o.role, o.owner, o.name, o.digest, b.size, b.crc32, o.created_at "
         "FROM objects o JOIN blobs b ON b.digest = o.digest " +
         std::string(rest);
}

Object object_of(const sql::Row& row) {
  return {.id = ObjectId(row.text(0)),
          .account = AccountId(row.integer(1)),
          .role = row.text(2),
          .owner = row.text(3),
          .name = row.text(4),
          .digest = digest_from_text(row.text(5)),
          .size = static_cast<std::uint64_t>(row.integer(6)),
          .crc32 = static_cast<std::uint32_t>(row.integer(7)),
          .created_at = row.time(8)};
}

std::optional<Object> maybe_object(const std::optional<sql::Row>& row) {
  if (!row) return std::nullopt;
  return object_of(*row);
}

std::vector<Object> objects_of(const std::vector<sql::Row>& rows) {
  std::vector<Object> out;
  out.reserve(rows.size());
  for (const auto& row : rows) out.push_back(object_of(row));
  return out;
}

// Ids and names come from paths; no row has one that the database would not take.
bool can_be_stored(std::string_view text) {
  return text.find('\0') == text.npos && valid_utf8(text);
}

void drop_reference(sql::Tx& tx, std::string_view digest) {
  tx.exec("UPDATE blobs SET refs = refs - 1 WHERE digest = $1", digest);
}

}  // namespace

Result<Object> Objects::attach(sql::Tx& tx, blob::Staged& staged, const NewObject& object) const {
  const blob::Stored& stored = staged.stored();
  // Takes the row's lock; from here to the end of the transaction no sweeper touches these bytes.
  tx.exec(
      "INSERT INTO blobs (digest, size, crc32, refs, created_at) VALUES ($1, $2, $3, 1, $4) "
      "ON CONFLICT (digest) DO UPDATE SET refs = blobs.refs + 1, condemned_at = NULL",
      digest_text(stored.digest), stored.size, stored.crc32, clock_.now());
  auto made = TOLL_TRY(insert(tx, object, stored));
  TOLL_TRY(staged.publish());
  return made;
}

Result<Object> Objects::attach_copy(sql::Tx& tx, const Object& of, const NewObject& object) const {
  const auto rows = tx.exec("UPDATE blobs SET refs = refs + 1, condemned_at = NULL WHERE digest = $1 AND refs > 0",
                            digest_text(of.digest));
  if (rows == 0) return Reason::not_found;
  return insert(tx, object, {of.digest, of.size, of.crc32});
}

Result<Object> Objects::insert(sql::Tx& tx, const NewObject& object, const blob::Stored& stored) const {
  Object made{.id = ObjectId(random_.uuid4()),
              .account = object.account,
              .role = object.role,
              .owner = object.owner,
              .name = object.name,
              .digest = stored.digest,
              .size = stored.size,
              .crc32 = stored.crc32,
              .created_at = clock_.now()};
  const auto rows = tx.exec(
      "INSERT INTO objects (id, account_id, role, owner, name, digest, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) "
      "ON CONFLICT (owner, role, name) DO NOTHING",
      made.id, made.account, made.role, made.owner, made.name, digest_text(made.digest), made.created_at);
  if (rows == 0) return Reason::conflict;
  return made;
}

bool Objects::detach(sql::Tx& tx, const ObjectId& id) const {
  const auto row = tx.one("DELETE FROM objects WHERE id = $1 RETURNING digest", id);
  if (!row) return false;
  drop_reference(tx, row->text(0));
  return true;
}

std::size_t Objects::detach_owner(sql::Tx& tx, std::string_view owner, std::optional<std::string_view> role) const {
  auto rows =
      tx.query("DELETE FROM objects WHERE owner = $1 AND role = coalesce($2, role) RETURNING digest", owner, role);
  std::vector<std::string> digests;
  for (const auto& row : rows) digests.push_back(row.text(0));
  // In one order, so that two transactions do not wait for each other's rows.
  std::sort(digests.begin(), digests.end());
  for (const auto& digest : digests) drop_reference(tx, digest);
  return digests.size();
}

std::optional<Object> Objects::get(sql::Tx& tx, const ObjectId& id) const {
  if (!can_be_stored(id.value())) return std::nullopt;
  return maybe_object(tx.one(selecting("WHERE o.id = $1"), id));
}

std::optional<Object> Objects::find(sql::Tx& tx, std::string_view owner, std::string_view role,
                                    std::string_view name) const {
  if (!can_be_stored(owner) || !can_be_stored(name)) return std::nullopt;
  return maybe_object(tx.one(selecting("WHERE o.owner = $1 AND o.role = $2 AND o.name = $3"), owner, role, name));
}

std::optional<Object> Objects::find(sql::Tx& tx, std::string_view owner, std::string_view role) const {
  if (!can_be_stored(owner)) return std::nullopt;
  return maybe_object(
      tx.one(selecting("WHERE o.owner = $1 AND o.role = $2 ORDER BY o.created_at, o.name LIMIT 1"), owner, role));
}

std::vector<Object> Objects::list(sql::Tx& tx, std::string_view owner, std::optional<std::string_view> role) const {
  if (!can_be_stored(owner)) return {};
  return objects_of(tx.query(
      selecting("WHERE o.owner = $1 AND o.role = coalesce($2, o.role) ORDER BY o.created_at, o.name"), owner, role));
}

std::vector<Object> Objects::older_than(sql::Tx& tx, std::string_view role, Time before, std::size_t limit) const {
  return objects_of(tx.query(selecting("WHERE o.role = $1 AND o.created_at < $2 ORDER BY o.created_at LIMIT $3"), role,
                             before, limit));
}

std::uint64_t Objects::bytes_of(sql::Tx& tx, AccountId account) const {
  const auto row = tx.one(
      "SELECT cast(coalesce(sum(b.size), 0) AS bigint) FROM objects o JOIN blobs b ON b.digest = o.digest WHERE "
      "o.account_id = $1",
      account);
  return static_cast<std::uint64_t>(row.value().integer(0));
}

}  // namespace toll::objects
