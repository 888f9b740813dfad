// Media records from their POST to their end: what is held, what arrives, what is captured, what comes back.
//
//   (create) -> inited -> uploaded -> processed | failed       states; each change rings the record's bell
//   hold at create; capture when processing starts; release or refund by how it failed; release when the link ended
//
// A record's job is two jobs, one after the other: the check of the file, then processing. Both cost nothing in the
// queue: the money is the record's own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "async/bells.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "identity/client_keys.h"
#include "jobs/queue.h"
#include "media/models.h"
#include "media/record.h"
#include "metering/ledger.h"
#include "objects/objects.h"
#include "objects/slots.h"
#include "objects/sweeper.h"
#include "sql/database.h"

namespace toll::media {

inline constexpr std::string_view kind_name = "media", object_role = "media";
inline constexpr int most_attempts = 3;  // of a step that fails through no fault of the file

struct NewRecord {
  AccountId account;
  std::string name;
  ModelType model = ModelType::ac1;
  MediaKind kind = MediaKind::image;
  std::string content_type;
  std::uint64_t size = 0;
  forensics::Checks checks;
};

// A fresh record and where its bytes go.
struct Created {
  Record record;
  objects::Slot original;
  std::optional<objects::Slot> reference;
};

struct ListRecords {
  AccountId account;
  std::optional<Status> status;
  std::optional<ModelType> model;
  std::int64_t limit = 10, offset = 0;
};

// A file that a finished run has made.
struct ResultFile {
  std::string name;
  blob::Staged* staged = nullptr;
};

// Thread-safe; what takes a Tx runs in the caller's transaction.
class Records {
 public:
  struct Options {
    std::function<metering::Credits(ModelType)> price;
    std::chrono::seconds upload_time{3600};
    std::uint64_t max_image_bytes = 100 << 20;
    Micros abandoned = std::chrono::hours(7 * 24);  // after the link's end; 0: never removed
    // After the link's end until its hold is released: other servers may still be taking bytes for it.
    Micros grace = std::chrono::minutes(15);
  };
  Records(const Clock& clock, Random& random, metering::Ledger& ledger, jobs::Queue& queue,
          const objects::Objects& objects, const objects::Slots& slots, objects::Sweeper& sweeper,
          const identity::ClientKeys& keys, const Models& models, async::Bells& bells, Options options);

  metering::Credits price(ModelType type) const { return options_.price(type); }

  // Faults: insufficient_credits.
  Result<Created> create(sql::Tx& tx, const NewRecord& wanted);
  // Another account's record is absent. Faults: media_not_found.
  Result<Record> get(sql::Tx& tx, AccountId account, const Mid& mid) const;
  // Newest first.
  std::vector<Record> list(sql::Tx& tx, const ListRecords& which) const;
  std::int64_t count(sql::Tx& tx, const ListRecords& which) const;
  // In every state: its job is stopped, its hold released if it is still open, its objects go. Faults: media_not_found.
  Result<void> remove(sql::Tx& tx, AccountId account, const Mid& mid);
  void remove_account(sql::Tx& tx, AccountId account);

  // --- for the object store (space.h) ---
  std::optional<Record> find(sql::Tx& tx, const Mid& mid) const;
  // Bytes have arrived whole in a slot of a record. Faults: url_not_valid (deleted, complete, or given up meanwhile).
  Result<void> landed(sql::Tx& tx, const objects::Slot& slot, const objects::Object& received);
  // Bytes are on their way; until the handle goes their record is not given up.
  std::shared_ptr<void> arriving(const objects::Slot& slot);
  const objects::Objects& objects() const { return objects_; }
  const Models& models() const { return models_; }

  // --- for whoever runs them (kind.h) ---
  std::optional<Record> of_job(sql::Tx& tx, const JobId& job) const;
  // In the transaction that claims: with the second step processing starts, and is paid for, once.
  void started(sql::Tx& tx, const JobId& job);
  // A run has ended with an answer; with the files that it made.
  Result<void> ended(sql::Tx& tx, const JobId& job, const forensics::Answer& answer,
                     const std::vector<ResultFile>& files);
  // A run has failed through no fault of the file: it is tried again, and given up after the last attempt.
  void run_failed(sql::Tx& tx, const jobs::Job& job, const Fault& fault);

  // --- for the janitor: at most `limit` at a time; how many ---
  std::size_t release_expired(sql::Tx& tx, std::size_t limit = 100);
  std::size_t remove_abandoned(sql::Tx& tx, std::size_t limit = 100);

 private:
  enum class Charge { stays, comes_back };

  Record lock(sql::Tx& tx, const Record& record) const;
  objects::Slot open_slot(sql::Tx& tx, const Record& record, std::string_view name, std::uint64_t most,
                          std::optional<std::uint64_t> exactly) const;
  void insert(sql::Tx& tx, const Record& record) const;
  bool complete(sql::Tx& tx, const Record& record) const;
  Result<void> queue_step(sql::Tx& tx, const Record& record, std::string_view more);
  Result<void> fail(sql::Tx& tx, const Record& record, std::string_view failure, std::string_view message,
                    Charge charge);
  Money give_back(sql::Tx& tx, const Record& record, std::string_view why);
  void drop(sql::Tx& tx, const Record& record);
  void ring(sql::Tx& tx, const Mid& mid) const;
  bool release_one(sql::Tx& tx, const Mid& mid);
  bool is_arriving(const objects::SlotId& slot) const;

  const Clock& clock_;
  Random& random_;
  metering::Ledger& ledger_;
  jobs::Queue& queue_;
  const objects::Objects& objects_;
  const objects::Slots& slots_;
  objects::Sweeper& sweeper_;
  const identity::ClientKeys& keys_;
  const Models& models_;
  async::Bells& bells_;
  const Options options_;
  // Shared with the handles of arriving(), which may outlive this by a moment.
  struct Arrivals {
    std::mutex mutex;
    std::multiset<std::string> slots;
  };
  std::shared_ptr<Arrivals> arrivals_ = std::make_shared<Arrivals>();
};

}  // namespace toll::media
