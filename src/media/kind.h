// How the jobs of media records are run: the check of the file, then processing, both by the engine "forensics".
#pragma once

#include <chrono>
#include <memory>

#include "blob/store.h"
#include "jobs/dispatcher.h"
#include "media/records.h"
#include "sql/database.h"

namespace toll::media {

// All references must outlive it.
class AnalysisKind final : public jobs::Kind {
 public:
  struct Options {
    std::chrono::seconds timeout{1800};  // of one step
    forensics::Limits limits;
    std::uint64_t worker_memory = 4ull << 30;  // engine::Limits::memory_bytes of who runs it
  };
  AnalysisKind(sql::Database& db, blob::Store& store, Records& records, Options options)
      : db_(db), store_(store), records_(records), options_(options) {}

  std::string_view name() const override { return kind_name; }
  std::chrono::seconds timeout() const override { return options_.timeout; }
  void started(sql::Tx& tx, const jobs::Job& job) override { records_.started(tx, job.id); }
  // Faults: upload_missing, model_unusable, storage_full.
  Result<std::unique_ptr<jobs::Run>> prepare(const jobs::Job& job) override;

 private:
  sql::Database& db_;
  blob::Store& store_;
  Records& records_;
  const Options options_;
};

}  // namespace toll::media
