// Slots: "this signed PUT may write here". An owner opens a slot for a key and hands out URLs to it (signed_urls.h);
// what lands is a received object with its size and digest, beside whatever the key leads to already. The owner then
// takes it in its own transaction:
//
//   auto slot = slots.open(tx, {...});                        urls.write(origin, slot, expires)
//   ... the client PUTs; KeySpace::landed() is told ...
//   auto got = slots.received(tx, slot.id);                   size and digest as they came in
//   objects.attach_copy(tx, *got, {owner's role and name});   the owner's own reference
//   slots.finish(tx, slot.id);                                the slot takes nothing any more
//
// A slot of parts takes PUTs 1..N in any order and in parallel; a repeated one replaces the earlier. join() reads them
// through for the whole, outside of a transaction; keep() then stands for the PUT that did not happen.
// Slots survive restarts. Unfinished ones are swept some time after their last URL has ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "objects/objects.h"

namespace toll::objects {

using SlotId = StrongId<struct SlotTag, std::string>;  // UUID; S3's uploadId

inline constexpr int most_parts = 10'000;

struct NewSlot {
  AccountId account;
  std::string space;      // whose: the prefix of a KeySpace
  std::string reference;  // the owner's own row
  std::string key;
  int parts = 0;  // 0: one PUT; otherwise part PUTs 1..parts
  std::uint64_t max_bytes = 0;
  Time expires_at;  // when the last URL ends
  // What the bytes must be, if the owner knows already: other ones are refused with bad_digest.
  std::optional<std::uint64_t> expected_size;
  std::optional<Sha256> expected_digest;
};

struct Slot : NewSlot {
  SlotId id;
  bool finished = false;
  Time created_at;
};

struct Part {
  int number = 0;
  Object object;
};

// Thread-safe; everything with a Tx runs in the caller's transaction.
class Slots {
 public:
  Slots(const Objects& objects, const Clock& clock, Random& random);

  Slot open(sql::Tx& tx, const NewSlot& slot) const;
  std::optional<Slot> get(sql::Tx& tx, const SlotId& id) const;
  // The owner's slots for a row, oldest first; finished ones too, until they are swept.
  std::vector<Slot> of(sql::Tx& tx, std::string_view space, std::string_view reference) const;
  // Fresh URLs have been handed out. Never shortens.
  void extend(sql::Tx& tx, const SlotId& id, Time expires_at) const;
  // The owner has learnt what the bytes must be.
  void expect(sql::Tx& tx, const SlotId& id, std::optional<std::uint64_t> size, std::optional<Sha256> digest) const;

  // Bytes for a slot of one PUT, or the joined parts; they replace earlier ones. Faults: upload_not_found (finished,
  // swept or aborted), bad_digest (not what is expected), storage_full.
  Result<Object> keep(sql::Tx& tx, const SlotId& id, blob::Staged& staged) const;
  // Faults as keep(), invalid_part: no such number.
  Result<Object> keep_part(sql::Tx& tx, const SlotId& id, int number, blob::Staged& staged) const;
  std::optional<Object> received(sql::Tx& tx, const SlotId& id) const;
  std::vector<Part> parts(sql::Tx& tx, const SlotId& id) const;  // by number
  std::vector<int> missing_parts(sql::Tx& tx, const Slot& slot) const;

  // The parts as one. Blocking, reads and writes every byte: not in a transaction. Faults: storage_full, invalid_part
  // (a part's bytes are gone: it was replaced meanwhile).
  static Result<std::unique_ptr<blob::Staged>> join(blob::Store& store, const std::vector<Part>& parts);

  // Drops what the slot holds and closes it; the row stays until it is swept, so that a late PUT is told apart.
  void finish(sql::Tx& tx, const SlotId& id) const;
  // Drops the slot altogether. False: there is none.
  bool abort(sql::Tx& tx, const SlotId& id) const;
  // Aborts slots whose last URL ended before `before`; how many. The bytes go with the next sweep of blobs.
  std::size_t sweep(sql::Tx& tx, Time before, std::size_t limit) const;

 private:
  const Objects& objects_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace toll::objects
