// Objects: an account's named files (uploads, stems) over content-addressed blobs. Equal bytes are stored once; the
// blob's row counts its references and its row lock orders everything that gives a blob its file or takes it away
// (blob/store.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/ids.h"
#include "base/random.h"
#include "base/result.h"
#include "blob/store.h"
#include "sql/database.h"

namespace toll::objects {

using ObjectId = StrongId<struct ObjectTag, std::string>;  // UUID

struct NewObject {
  AccountId account;
  std::string role;   // "upload", "stem"
  std::string owner;  // whose life it shares: a job id
  std::string name;   // "vocals.wav"; unique with owner and role
};

struct Object {
  ObjectId id;
  AccountId account;
  std::string role;
  std::string owner;
  std::string name;
  Sha256 digest{};
  std::uint64_t size = 0;
  std::uint32_t crc32 = 0;
  Time created_at;
};

// Thread-safe; everything runs in the caller's transaction.
class Objects {
 public:
  Objects(const Clock& clock, Random& random) : clock_(clock), random_(random) {}

  // The object, its reference, and the name of its bytes, or none of them. Faults: storage_full, conflict (owner, role
  // and name exist). `staged` may be attached again if the transaction is retried.
  Result<Object> attach(sql::Tx& tx, blob::Staged& staged, const NewObject& object) const;
  // Another reference to the bytes of an object.
  Result<Object> attach_copy(sql::Tx& tx, const Object& of, const NewObject& object) const;

  // False when there is no such object. The bytes go with the next sweep if nothing else refers to them.
  bool detach(sql::Tx& tx, const ObjectId& id) const;
  // All of an owner's (with this role, if given); how many.
  std::size_t detach_owner(sql::Tx& tx, std::string_view owner, std::optional<std::string_view> role = {}) const;

  std::optional<Object> get(sql::Tx& tx, const ObjectId& id) const;
  std::optional<Object> find(sql::Tx& tx, std::string_view owner, std::string_view role, std::string_view name) const;
  // The owner's only object of this role (an upload); the oldest if there are more.
  std::optional<Object> find(sql::Tx& tx, std::string_view owner, std::string_view role) const;
  // By creation, then name.
  std::vector<Object> list(sql::Tx& tx, std::string_view owner, std::optional<std::string_view> role = {}) const;
  // For retention: the oldest objects of a role that were made before a time.
  std::vector<Object> older_than(sql::Tx& tx, std::string_view role, Time before, std::size_t limit) const;
  // Bytes that an account's objects stand for; a blob that it refers to twice counts twice.
  std::uint64_t bytes_of(sql::Tx& tx, AccountId account) const;

 private:
  Result<Object> insert(sql::Tx& tx, const NewObject& object, const blob::Stored& stored) const;

  const Clock& clock_;
  Random& random_;
};

}  // namespace toll::objects
