// Separation jobs: what stands in front of the queue (files, choices) and behind it (stems). Use cases run in the
// caller's transaction; a job, its hold, its row here and its files commit together or not at all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "blob/store.h"
#include "jobs/queue.h"
#include "objects/objects.h"
#include "objects/sweeper.h"
#include "separations/models.h"
#include "separations/trained.h"

namespace toll::separations {

inline constexpr std::string_view kind_name = "separation", part_kind_name = "separation_part";
inline constexpr std::string_view upload_role = "upload";
inline constexpr std::string_view stem_role = "stem";

struct Separation {
  jobs::Job job;
  std::string filename;
  std::string model;
  int stem_count = 4;
  std::optional<std::string> two_stem;
  std::optional<std::string> served_by;  // once it was started
  bool archived = false;
  std::optional<Time> files_deleted_at;
  std::vector<objects::Object> files;  // the stems, by name; only of completed jobs

  // Every stem as WAV, by name: what there is to download.
  std::vector<const objects::Object*> wavs() const;
  // "demucs -n htdemucs song.mp3": what would do the same; null before the first start.
  std::optional<std::string> command() const;
};

struct NewSeparation {
  AccountId account;
  std::string filename;  // cleaned
  Choice choice;
  std::shared_ptr<blob::Staged> upload;
  // A part of something larger, which pays for it: another kind of job, which list() does not show; it costs nothing
  // here. `stored` stands in for the upload.
  struct Part {
    JobId id;
    objects::Object stored;
  };
  std::optional<Part> part = std::nullopt;
};

struct Listing {
  std::optional<AccountId> account;
  std::optional<jobs::State> status;
  std::optional<JobId> before;  // a job id; of this account when one is given
  std::size_t limit = 50;
};

// Thread-safe.
class Separations {
 public:
  struct Options {
    Micros retention = std::chrono::hours(24);   // of the files of an ended job; 0: for ever
    std::function<bool()> can_run_trained = {};  // see TrainedModels; none: it cannot
  };
  Separations(jobs::Queue& queue, const objects::Objects& objects, const blob::Store& store, objects::Sweeper& sweeper,
              const Clock& clock, Random& random, Options options);

  // What serves the job is decided here: the trained model that the registry holds now, for two stems with the vocals
  // also voice_model's, else the built-in separator.
  // Faults: insufficient_credits, storage_full, model_not_ready.
  Result<Separation> submit(sql::Tx& tx, const NewSeparation& order);

  // Faults, here and below: job_not_found, for a foreign job too.
  Result<Separation> get(sql::Tx& tx, AccountId account, const JobId& id) const;
  // A completed job whose files are there. Faults: job_not_completed {status}, job_files_gone.
  Result<Separation> finished(sql::Tx& tx, AccountId account, const JobId& id) const;
  // Newest first, without parts. Faults: invalid_request when `before` is no job of the account.
  Result<std::vector<Separation>> list(sql::Tx& tx, const Listing& which) const;

  // Faults: job_not_cancellable {status}.
  Result<Separation> cancel(sql::Tx& tx, AccountId account, const JobId& id);
  // Faults: job_not_retryable {status}, job_upload_gone, insufficient_credits.
  Result<Separation> retry(sql::Tx& tx, AccountId account, const JobId& id);
  // In every state; open work is stopped, all files go.
  Result<void> remove(sql::Tx& tx, AccountId account, const JobId& id);

  // For administrators: any account's.
  Result<void> archive(sql::Tx& tx, const JobId& id);
  Result<void> remove_any(sql::Tx& tx, const JobId& id);
  // Everything of an account that is being deleted.
  void remove_account(sql::Tx& tx, AccountId account);

  // Deletes the files of jobs that ended longer ago than they are kept; how many jobs, at most `limit`.
  std::size_t expire(sql::Tx& tx, std::size_t limit = 100);

  // --- for the one who runs them (run.h) ---
  std::optional<Separation> find(sql::Tx& tx, const JobId& id) const;
  // Notes what does the work.
  void started(sql::Tx& tx, const JobId& id) const;
  // What does; nullopt: the built-in separator. Faults: model_not_found, model_unusable (what was there when the job
  // was accepted has gone).
  Result<std::optional<Trained>> served(sql::Tx& tx, const JobId& id) const;
  const objects::Objects& objects() const { return objects_; }
  const TrainedModels& trained() const { return trained_; }

 private:
  std::optional<Separation> complete_with_row(sql::Tx& tx, std::optional<jobs::Job> job) const;
  void drop_files(sql::Tx& tx, const JobId& id);

  jobs::Queue& queue_;
  const objects::Objects& objects_;
  const blob::Store& store_;
  objects::Sweeper& sweeper_;
  const Clock& clock_;
  Random& random_;
  Options options_;
  const TrainedModels trained_;
};

}  // namespace toll::separations
