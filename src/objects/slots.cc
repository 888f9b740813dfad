#include "objects/slots.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "objects/digest_text.h"

namespace toll::objects {

namespace {

constexpr std::string_view columns =
    "id, account_id, space, reference, object_key, parts, max_bytes, expected_size, expected_digest, finished, "
    "expires_at, created_at";
constexpr std::string_view received_role = "received", part_role = "part", received_name = "bytes";
constexpr std::size_t copy_piece = 1 << 20;

std::string selecting(std::string_view rest) {
  return fmt::format("SELECT {} FROM upload_slots {}", columns, rest);
}

Slot slot_of(const sql::Row& row) {
  Slot slot;
  slot.id = SlotId(row.text(0));
  slot.account = AccountId(row.integer(1));
  slot.space = row.text(2);
  slot.reference = row.text(3);
  slot.key = row.text(4);
  slot.parts = static_cast<int>(row.integer(5));
  slot.max_bytes = static_cast<std::uint64_t>(row.integer(6));
  if (auto size = row.maybe_integer(7)) slot.expected_size = static_cast<std::uint64_t>(*size);
  if (auto digest = row.maybe_text(8)) slot.expected_digest = digest_from_text(*digest);
  slot.finished = row.boolean(9);
  slot.expires_at = row.time(10);
  slot.created_at = row.time(11);
  return slot;
}

// In the order of the numbers.
std::string part_name(int number) {
  return fmt::format("{:05}", number);
}

std::optional<std::string> text_of(const std::optional<Sha256>& digest) {
  if (!digest) return std::nullopt;
  return digest_text(*digest);
}

// Takes the row's lock, so that PUTs to one slot, and its finish, come one after the other.
std::optional<Slot> lock_open(sql::Tx& tx, const SlotId& id) {
  if (!valid_utf8(id.value()) || id.value().find('\0') != std::string::npos) return std::nullopt;
  const auto row = tx.one(
      fmt::format("UPDATE upload_slots SET finished = 0 WHERE id = $1 AND finished = 0 RETURNING {}", columns), id);
  if (!row) return std::nullopt;
  return slot_of(*row);
}

Result<void> matches(const Slot& slot, const blob::Stored& stored) {
  const bool size = !slot.expected_size || *slot.expected_size == stored.size;
  const bool digest = !slot.expected_digest || *slot.expected_digest == stored.digest;
  if (size && digest) return {};
  return Fault(Reason::bad_digest).because(fmt::format("slot {}", slot.id.value()));
}

}  // namespace

Slots::Slots(const Objects& objects, const Clock& clock, Random& random)
    : objects_(objects), clock_(clock), random_(random) {}

Slot Slots::open(sql::Tx& tx, const NewSlot& wanted) const {
  Slot slot;
  static_cast<NewSlot&>(slot) = wanted;
  slot.id = SlotId(random_.uuid4());
  slot.created_at = clock_.now();
  tx.exec(
      fmt::format("INSERT INTO upload_slots ({}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11)", columns),
      slot.id, slot.account, slot.space, slot.reference, slot.key, slot.parts, slot.max_bytes, slot.expected_size,
      text_of(slot.expected_digest), slot.expires_at, slot.created_at);
  return slot;
}

std::optional<Slot> Slots::get(sql::Tx& tx, const SlotId& id) const {
  if (!valid_utf8(id.value()) || id.value().find('\0') != std::string::npos) return std::nullopt;
  const auto row = tx.one(selecting("WHERE id = $1"), id);
  if (!row) return std::nullopt;
  return slot_of(*row);
}

std::vector<Slot> Slots::of(sql::Tx& tx, std::string_view space, std::string_view reference) const {
  std::vector<Slot> out;
  const auto rows =
      tx.query(selecting("WHERE space = $1 AND reference = $2 ORDER BY created_at, id"), space, reference);
  for (const auto& row : rows) out.push_back(slot_of(row));
  return out;
}

void Slots::extend(sql::Tx& tx, const SlotId& id, Time expires_at) const {
  tx.exec("UPDATE upload_slots SET expires_at = $2 WHERE id = $1 AND expires_at < $2", id, expires_at);
}

void Slots::expect(sql::Tx& tx, const SlotId& id, std::optional<std::uint64_t> size,
                   std::optional<Sha256> digest) const {
  tx.exec("UPDATE upload_slots SET expected_size = $2, expected_digest = $3 WHERE id = $1", id, size, text_of(digest));
}

Result<Object> Slots::keep(sql::Tx& tx, const SlotId& id, blob::Staged& staged) const {
  const auto slot = lock_open(tx, id);
  if (!slot) return Reason::upload_not_found;
  TOLL_TRY(matches(*slot, staged.stored()));
  objects_.detach_owner(tx, id.value(), received_role);
  return objects_.attach(tx, staged,
                         {slot->account, std::string(received_role), id.value(), std::string(received_name)});
}

Result<Object> Slots::keep_part(sql::Tx& tx, const SlotId& id, int number, blob::Staged& staged) const {
  const auto slot = lock_open(tx, id);
  if (!slot) return Reason::upload_not_found;
  if (number < 1 || number > slot->parts) return Reason::invalid_part;
  const auto name = part_name(number);
  if (const auto earlier = objects_.find(tx, id.value(), part_role, name)) objects_.detach(tx, earlier->id);
  return objects_.attach(tx, staged, {slot->account, std::string(part_role), id.value(), name});
}

std::optional<Object> Slots::received(sql::Tx& tx, const SlotId& id) const {
  return objects_.find(tx, id.value(), received_role, received_name);
}

std::vector<Part> Slots::parts(sql::Tx& tx, const SlotId& id) const {
  std::vector<Part> out;
  for (auto& object : objects_.list(tx, id.value(), part_role)) {
    const auto number = static_cast<int>(parse_int(object.name).value_or(0));
    out.push_back({number, std::move(object)});
  }
  std::ranges::sort(out, {}, &Part::number);
  return out;
}

std::vector<int> Slots::missing_parts(sql::Tx& tx, const Slot& slot) const {
  std::set<int> there;
  for (const auto& part : parts(tx, slot.id)) there.insert(part.number);
  std::vector<int> out;
  for (int number = 1; number <= slot.parts; ++number)
    if (!there.contains(number)) out.push_back(number);
  return out;
}

Result<std::unique_ptr<blob::Staged>> Slots::join(blob::Store& store, const std::vector<Part>& parts) {
  auto writer = TOLL_TRY(store.create());
  std::vector<std::byte> piece(copy_piece);
  for (const auto& part : parts) {
    const auto reader = store.open(part.object.digest);
    if (!reader) return Fault(Reason::invalid_part).because(reader.error().describe());
    for (std::uint64_t at = 0; at < part.object.size;) {
      const auto got = (*reader)->read_at(at, piece);
      if (got == 0) throw std::runtime_error("a part is shorter than its row says");
      TOLL_TRY(writer->write(std::span(piece).first(got)));
      at += got;
    }
  }
  return writer->finish();
}

void Slots::finish(sql::Tx& tx, const SlotId& id) const {
  tx.exec("UPDATE upload_slots SET finished = 1 WHERE id = $1", id);
  objects_.detach_owner(tx, id.value());
}

bool Slots::abort(sql::Tx& tx, const SlotId& id) const {
  if (tx.exec("DELETE FROM upload_slots WHERE id = $1", id) == 0) return false;
  objects_.detach_owner(tx, id.value());
  return true;
}

std::size_t Slots::sweep(sql::Tx& tx, Time before, std::size_t limit) const {
  const auto rows =
      tx.query("SELECT id FROM upload_slots WHERE expires_at < $1 ORDER BY expires_at LIMIT $2", before, limit);
  for (const auto& row : rows) abort(tx, SlotId(row.text(0)));
  return rows.size();
}

}  // namespace toll::objects
