#include "media/records.h"

#include <fmt/format.h>

#include <algorithm>

namespace toll::media {

namespace {

constexpr std::string_view columns =
    "r.mid, r.account_id, c.uid, r.created_at, r.name, r.kind, r.status, r.model_type, r.content_type, r.size, "
    "r.checks, r.price, r.money, r.hold_id, r.slot_id, r.reference_slot_id, r.upload_expires_at, r.models, r.job_id, "
    "r.checked, r.attempts, r.revision, r.answer, r.failure, r.failure_message";

std::string selecting(std::string_view rest) {
  return fmt::format("SELECT {} FROM media_records r JOIN client_accounts c ON c.account_id = r.account_id WHERE {}",
                     columns, rest);
}

template <class Id>
std::optional<Id> maybe_id(const sql::Row& row, std::size_t column) {
  auto text = row.maybe_text(column);
  return text ? std::optional(Id(*std::move(text))) : std::nullopt;
}

Record record_of(const sql::Row& row) {
  Record record;
  record.mid = Mid(row.text(0));
  record.account = AccountId(row.integer(1));
  record.uid = row.text(2);
  record.created_at = row.time(3);
  record.name = row.text(4);
  record.kind = row.text(5) == name_of(MediaKind::video) ? MediaKind::video : MediaKind::image;
  record.status = status_from(row.text(6)).value();
  record.model = forensics::model_type_of(row.text(7)).value();
  record.content_type = row.text(8);
  record.size = static_cast<std::uint64_t>(row.integer(9));
  record.checks = checks_from(row.text(10));
  record.price = {row.integer(11)};
  record.money = money_from(row.text(12));
  if (const auto hold = row.maybe_integer(13)) record.hold = HoldId(*hold);
  record.slot = objects::SlotId(row.text(14));
  record.reference_slot = maybe_id<objects::SlotId>(row, 15);
  record.upload_expires_at = row.time(16);
  record.models = models_from(row.text(17));
  record.job = maybe_id<JobId>(row, 18);
  record.checked = row.boolean(19);
  record.attempts = static_cast<int>(row.integer(20));
  record.revision = row.integer(21);
  // One that another version has written and this one cannot read is as good as none: the result file has it all.
  if (const auto answer = row.maybe_text(22))
    if (auto parsed = forensics::parse_answer(*answer)) record.answer = *std::move(parsed);
  record.failure = row.maybe_text(23);
  record.failure_message = row.maybe_text(24);
  return record;
}

std::string description(ModelType type) {
  return fmt::format("Media analysis {}", name_of(type));
}

struct OurFailure {
  std::string_view code, message;
};

OurFailure our_failure(const Fault& fault) {
  if (fault.reason() == Reason::model_unusable)
    return {"ENGINE_UNAVAILABLE", "The engine for this analysis could not be run."};
  if (fault.reason() == Reason::job_timed_out) return {"TIMEOUT", "The analysis took too long."};
  return {"INTERNAL", "Something went wrong on our side."};
}

// $1 account, and what else is asked for.
std::string conditions(const ListRecords& which, std::vector<sql::Value>& values) {
  std::string out = "r.account_id = $1";
  values.emplace_back(which.account);
  if (which.status) {
    values.emplace_back(to_string(*which.status));
    out += " AND r.status = $" + std::to_string(values.size());
  }
  if (which.model) {
    values.emplace_back(name_of(*which.model));
    out += " AND r.model_type = $" + std::to_string(values.size());
  }
  return out;
}

}  // namespace

Records::Records(const Clock& clock, Random& random, metering::Ledger& ledger, jobs::Queue& queue,
                 const objects::Objects& objects, const objects::Slots& slots, objects::Sweeper& sweeper,
                 const identity::ClientKeys& keys, const Models& models, async::Bells& bells, Options options)
    : clock_(clock),
      random_(random),
      ledger_(ledger),
      queue_(queue),
      objects_(objects),
      slots_(slots),
      sweeper_(sweeper),
      keys_(keys),
      models_(models),
      bells_(bells),
      options_(std::move(options)) {}

// --- for those who send and ask ---

objects::Slot Records::open_slot(sql::Tx& tx, const Record& record, std::string_view name, std::uint64_t most,
                                 std::optional<std::uint64_t> exactly) const {
  return slots_.open(tx, {.account = record.account,
                          .space = std::string(key_prefix),
                          .reference = record.mid.value(),
                          .key = key_of(record, name),
                          .max_bytes = most,
                          .expires_at = record.upload_expires_at,
                          .expected_size = exactly,
                          .expected_digest = {}});
}

Result<Created> Records::create(sql::Tx& tx, const NewRecord& wanted) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(clock_.now());
  Created out;
  auto& record = out.record;
  const auto second = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  record.mid = Mid(fmt::format("{:08x}{:016x}", static_cast<std::uint32_t>(second), random_.next()));
  record.account = wanted.account;
  record.uid = keys_.uid(tx, wanted.account);
  record.created_at = now;
  record.name = wanted.name;
  record.kind = wanted.kind;
  record.model = wanted.model;
  record.content_type = wanted.content_type;
  record.size = wanted.size;
  record.checks = wanted.checks;
  record.price = options_.price(wanted.model);
  record.upload_expires_at = now + options_.upload_time;
  if (record.price.micros > 0) {
    record.hold =
        TOLL_TRY(ledger_.hold(tx, record.account, record.price, description(record.model), record.mid.value()));
    record.money = Money::held;
  }
  record.models = models_.now(tx, record.model, record.checks);
  out.original = open_slot(tx, record, original_name, record.size, record.size);
  record.slot = out.original.id;
  if (record.model == ModelType::fi1 && record.checks.similarity) {
    out.reference = open_slot(tx, record, reference_name, options_.max_image_bytes, {});
    record.reference_slot = out.reference->id;
  }
  insert(tx, record);
  return out;
}

void Records::insert(sql::Tx& tx, const Record& record) const {
  tx.exec(
      "INSERT INTO media_records (mid, account_id, name, kind, status, model_type, content_type, size, checks, "
      "hold_id, "
      "price, money, slot_id, reference_slot_id, upload_expires_at, models, checked, attempts, revision, created_at) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0, 0, 0, $17)",
      record.mid, record.account, record.name, name_of(record.kind), to_string(record.status), name_of(record.model),
      record.content_type, record.size, checks_text(record.checks), record.hold, record.price.micros,
      to_string(record.money), record.slot, record.reference_slot, record.upload_expires_at, models_text(record.models),
      record.created_at);
}

std::optional<Record> Records::find(sql::Tx& tx, const Mid& mid) const {
  if (!is_mid(mid.value())) return std::nullopt;
  const auto row = tx.one(selecting("r.mid = $1"), mid);
  return row ? std::optional(record_of(*row)) : std::nullopt;
}

Result<Record> Records::get(sql::Tx& tx, AccountId account, const Mid& mid) const {
  auto record = find(tx, mid);
  if (!record || record->account != account) return Reason::media_not_found;
  return *std::move(record);
}

std::vector<Record> Records::list(sql::Tx& tx, const ListRecords& which) const {
  std::vector<sql::Value> values;
  auto rest = conditions(which, values);
  values.emplace_back(which.limit);
  values.emplace_back(which.offset);
  rest += fmt::format(" ORDER BY r.created_at DESC, r.mid DESC LIMIT ${} OFFSET ${}", values.size() - 1, values.size());
  std::vector<Record> out;
  for (const auto& row : tx.query_with(selecting(rest), values)) out.push_back(record_of(row));
  return out;
}

std::int64_t Records::count(sql::Tx& tx, const ListRecords& which) const {
  std::vector<sql::Value> values;
  const auto where = conditions(which, values);
  return tx.query_with("SELECT count(*) FROM media_records r WHERE " + where, values).at(0).integer(0);
}

// The row is locked before it is read, so that its arrival, its expiry, its run and its removal follow one another.
Record Records::lock(sql::Tx& tx, const Record& record) const {
  tx.exec("UPDATE media_records SET revision = revision WHERE mid = $1", record.mid);
  return find(tx, record.mid).value_or(Record{});
}

Result<void> Records::remove(sql::Tx& tx, AccountId account, const Mid& mid) {
  const auto seen = TOLL_TRY(get(tx, account, mid));
  const auto record = lock(tx, seen);
  if (record.mid != mid) return Reason::media_not_found;
  drop(tx, record);
  return {};
}

void Records::remove_account(sql::Tx& tx, AccountId account) {
  for (const auto& row : tx.query("SELECT mid FROM media_records WHERE account_id = $1", account))
    if (const auto record = find(tx, Mid(row.text(0)))) drop(tx, lock(tx, *record));
}

void Records::drop(sql::Tx& tx, const Record& record) {
  if (record.money == Money::held) give_back(tx, record, "Media deleted before processing");
  if (record.job) (void)queue_.remove(tx, *record.job);
  slots_.abort(tx, record.slot);
  if (record.reference_slot) slots_.abort(tx, *record.reference_slot);
  objects_.detach_owner(tx, record.mid.value(), object_role);
  tx.exec("DELETE FROM media_records WHERE mid = $1", record.mid);
  ring(tx, record.mid);
  tx.after_commit([this] { sweeper_.wake(); });
}

void Records::ring(sql::Tx& tx, const Mid& mid) const {
  tx.after_commit([&bells = bells_, mid] { bells.ring(mid.value()); });
}

Money Records::give_back(sql::Tx& tx, const Record& record, std::string_view why) {
  if (record.money == Money::held) {
    ledger_.release(tx, record.hold.value(), why);
    return Money::released;
  }
  if (record.money != Money::captured) return record.money;
  ledger_.grant(tx, record.account, record.price, why, record.mid.value(), metering::EntryKind::refund);
  return Money::refunded;
}

// --- for the object store ---

bool Records::complete(sql::Tx& tx, const Record& record) const {
  const auto there = [&](std::string_view name) {
    return objects_.find(tx, record.mid.value(), object_role, name).has_value();
  };
  return there(original_name) && (!record.reference_slot || there(reference_name));
}

Result<void> Records::landed(sql::Tx& tx, const objects::Slot& slot, const objects::Object& received) {
  const auto over = Fault(Reason::url_not_valid).with("why", "The upload of this URL is over");
  const auto seen = find(tx, Mid(slot.reference));
  const auto record = seen ? lock(tx, *seen) : Record{};
  const bool waits = record.status == Status::inited && (record.money == Money::held || record.money == Money::free);
  if (record.mid.value() != slot.reference || !waits) return over;
  const auto name = slot.id == record.slot ? original_name : reference_name;
  TOLL_TRY(objects_.attach_copy(tx, received,
                                {record.account, std::string(object_role), record.mid.value(), std::string(name)}));
  slots_.finish(tx, slot.id);
  if (!complete(tx, record)) return {};
  return queue_step(tx, record, ", status = 'UPLOADED', revision = revision + 1");
}

std::shared_ptr<void> Records::arriving(const objects::Slot& slot) {
  std::lock_guard lock(arrivals_->mutex);
  const auto place = arrivals_->slots.insert(slot.id.value());
  return {static_cast<void*>(arrivals_.get()), [arrivals = arrivals_, place](void*) {
            std::lock_guard lock(arrivals->mutex);
            arrivals->slots.erase(place);
          }};
}

bool Records::is_arriving(const objects::SlotId& slot) const {
  std::lock_guard lock(arrivals_->mutex);
  return arrivals_->slots.contains(slot.value());
}

// --- for whoever runs them ---

// The next job of the record, in the place of the one that was.
Result<void> Records::queue_step(sql::Tx& tx, const Record& record, std::string_view more) {
  const JobId id(random_.uuid4());
  if (record.job) (void)queue_.remove(tx, *record.job);
  TOLL_TRY(queue_.submit(tx, {id, record.account, std::string(kind_name), {0}, description(record.model)}));
  tx.exec(fmt::format("UPDATE media_records SET job_id = $2{} WHERE mid = $1", more), record.mid, id);
  ring(tx, record.mid);
  return {};
}

std::optional<Record> Records::of_job(sql::Tx& tx, const JobId& job) const {
  const auto row = tx.one(selecting("r.job_id = $1"), job);
  return row ? std::optional(record_of(*row)) : std::nullopt;
}

void Records::started(sql::Tx& tx, const JobId& job) {
  // Guarded by the row: of two that start it one captures. Nothing else of the row is read here: what cannot be read
  // must not keep other jobs from being claimed.
  const auto row = tx.one(
      "UPDATE media_records SET money = 'captured' WHERE job_id = $1 AND checked = 1 AND money = 'held' RETURNING "
      "hold_id",
      job);
  if (row) ledger_.capture(tx, HoldId(row->integer(0)));
}

Result<void> Records::ended(sql::Tx& tx, const JobId& job, const forensics::Answer& answer,
                            const std::vector<ResultFile>& files) {
  const auto seen = of_job(tx, job);
  if (!seen) return {};  // deleted meanwhile
  const auto record = lock(tx, *seen);
  if (record.job != job || record.status != Status::uploaded) return {};
  // What the file is to blame for is free while nobody has worked on it.
  if (answer.failure)
    return fail(tx, record, name_of(*answer.failure), answer.failure_message,
                record.checked ? Charge::stays : Charge::comes_back);
  if (!record.checked) return queue_step(tx, record, ", checked = 1, attempts = 0");
  for (const auto& file : files)
    TOLL_TRY(
        objects_.attach(tx, *file.staged, {record.account, std::string(object_role), record.mid.value(), file.name}));
  tx.exec(
      "UPDATE media_records SET status = 'PROCESSED', answer = $2, ended_at = $3, revision = revision + 1 WHERE mid = "
      "$1",
      record.mid, forensics::write_answer(answer), clock_.now());
  ring(tx, record.mid);
  return {};
}

Result<void> Records::fail(sql::Tx& tx, const Record& record, std::string_view failure, std::string_view message,
                           Charge charge) {
  const auto money = charge == Charge::comes_back
                         ? give_back(tx, record, fmt::format("Media analysis failed: {}", failure))
                         : record.money;
  tx.exec(
      "UPDATE media_records SET status = 'FAILED', failure = $2, failure_message = $3, money = $4, ended_at = $5, "
      "revision = revision + 1 WHERE mid = $1",
      record.mid, failure, message, to_string(money), clock_.now());
  ring(tx, record.mid);
  return {};
}

void Records::run_failed(sql::Tx& tx, const jobs::Job& job, const Fault& fault) {
  const auto seen = of_job(tx, job.id);
  if (!seen) return;
  const auto record = lock(tx, *seen);
  if (record.job != job.id || record.status != Status::uploaded) return;
  // A worker that died has had its attempts in the queue.
  const bool again = fault.reason() != Reason::worker_lost && record.attempts + 1 < most_attempts;
  if (again && queue_step(tx, record, ", attempts = attempts + 1")) return;
  const auto why = our_failure(fault);
  (void)fail(tx, record, why.code, why.message, Charge::comes_back);
}

// --- for the janitor ---

// Those whose bytes are on their way are passed over, however many they are.
std::size_t Records::release_expired(sql::Tx& tx, std::size_t limit) {
  std::size_t released = 0;
  Time ended{};
  std::string last;
  while (released < limit) {
    const auto rows = tx.query(
        "SELECT mid, upload_expires_at FROM media_records WHERE status = 'INITED' AND money = 'held' AND "
        "upload_expires_at <= $1 AND (upload_expires_at > $2 OR (upload_expires_at = $2 AND mid > $3)) ORDER BY "
        "upload_expires_at, mid LIMIT $4",
        clock_.now() - options_.grace, ended, last, limit);
    if (rows.empty()) break;
    for (const auto& row : rows) released += release_one(tx, Mid(row.text(0)));
    last = rows.back().text(0);
    ended = rows.back().time(1);
  }
  return released;
}

bool Records::release_one(sql::Tx& tx, const Mid& mid) {
  const auto seen = find(tx, mid);
  if (!seen || is_arriving(seen->slot) || (seen->reference_slot && is_arriving(*seen->reference_slot))) return false;
  const auto record = lock(tx, *seen);
  if (record.status != Status::inited || record.money != Money::held) return false;
  const auto money = give_back(tx, record, "Media upload link expired");
  tx.exec("UPDATE media_records SET money = $2 WHERE mid = $1", record.mid, to_string(money));
  return true;
}

std::size_t Records::remove_abandoned(sql::Tx& tx, std::size_t limit) {
  if (options_.abandoned.count() == 0) return 0;
  const auto rows = tx.query(
      "SELECT mid FROM media_records WHERE status = 'INITED' AND money <> 'held' AND upload_expires_at <= $1 LIMIT $2",
      clock_.now() - options_.abandoned, limit);
  for (const auto& row : rows)
    if (const auto seen = find(tx, Mid(row.text(0))))
      if (const auto record = lock(tx, *seen); record.status == Status::inited) drop(tx, record);
  return rows.size();
}

}  // namespace toll::media
