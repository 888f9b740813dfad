// Who owns a part of the object store's keys. The store keeps bytes and checks signatures; whether a key leads
// somewhere, for whom, and what it means that bytes have arrived is for the owner to say: the registry for "hf/".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/ids.h"
#include "base/result.h"
#include "objects/objects.h"
#include "sql/database.h"

namespace toll::objects {

struct Slot;

// Who a URL was issued to. None: it was signed with the store's keys outside of this server (boto3, rclone) by an
// operator, who may read everything that is servable.
using Bearer = std::optional<AccountId>;

// Where a readable key leads.
struct Readable {
  Sha256 digest{};
  std::uint64_t size = 0;
  Time modified;
  std::string content_type = "application/octet-stream";
};

// One GET of an object, after its last byte; for usage.
struct Serving {
  std::string key;
  Bearer bearer;
  std::uint64_t size = 0;   // of the object
  std::uint64_t bytes = 0;  // payload bytes that went out: of a range, or until the transfer broke
  int status = 200;
  bool aborted = false;
  std::string remote, user_agent, request_id;
  Time at;
};

// Thread-safe.
class KeySpace {
 public:
  virtual ~KeySpace() = default;
  // Its keys begin with it: "hf/". Spaces do not overlap.
  virtual std::string_view prefix() const = 0;

  // What a GET or HEAD of the key gives to the bearer now. Asked for every request, so that a URL dies with the right
  // to read: check the account, visibility and grants here. One or two indexed reads, please. Faults: object_not_found;
  // url_not_valid (the bearer may not read it any more).
  virtual Result<Readable> find(sql::Tx& tx, std::string_view key, const Bearer& bearer) const = 0;

  // Before a byte of a PUT is read: whether the slot's account may still write there. Faults: url_not_valid.
  virtual Result<void> may_write(sql::Tx&, const Slot&) const { return {}; }

  // A PUT's bytes are on their way: the answer is kept until they are here, or will not come.
  virtual std::shared_ptr<void> arriving(const Slot&) { return nullptr; }
  // PUTs are as S3 wants them: they announce their length, and their ETag is the MD5 of the bytes. Elsewhere a body may
  // come in chunks, and the ETag is the SHA-256.
  virtual bool as_s3_does() const { return false; }

  // The bytes of a slot have arrived whole: `received` is theirs, in the transaction that keeps it. A fault drops the
  // bytes and is what the client hears (bad_digest). Called again for a PUT that replaces an earlier one. Parts are not
  // told: their owner joins them.
  virtual Result<void> landed(sql::Tx& tx, const Slot& slot, const Object& received) = 0;

  // On the connection's thread: must not block or throw.
  virtual void served(const Serving& serving) = 0;
};

// All spaces of the store.
class KeySpaces {
 public:
  // The space must outlive this.
  void add(KeySpace& space) { spaces_.push_back(&space); }
  // nullptr: nobody's key.
  KeySpace* of(std::string_view key) const {
    for (auto* space : spaces_)
      if (key.starts_with(space->prefix())) return space;
    return nullptr;
  }

 private:
  std::vector<KeySpace*> spaces_;
};

}  // namespace toll::objects
