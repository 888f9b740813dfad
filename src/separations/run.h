// How a separation job is run: its upload goes to the engine, the engine's files become the job's stems.
#pragma once

#include <chrono>
#include <memory>

#include "blob/store.h"
#include "engine/host.h"
#include "jobs/dispatcher.h"
#include "separations/separations.h"
#include "sql/database.h"

namespace toll::separations {

// All references must outlive it.
class SeparationKind final : public jobs::Kind {
 public:
  struct Options {
    std::chrono::seconds timeout{6 * 3600};
    std::int64_t max_seconds = 43200;
    std::uint64_t worker_memory = 4ull << 30;  // engine::Limits::memory_bytes of who runs it
    std::string_view name = kind_name;         // or part_kind_name
  };
  SeparationKind(sql::Database& db, blob::Store& store, const Separations& separations, Options options)
      : db_(db), store_(store), separations_(separations), options_(options) {}

  std::string_view name() const override { return options_.name; }
  std::chrono::seconds timeout() const override { return options_.timeout; }
  void started(sql::Tx& tx, const jobs::Job& job) override { separations_.started(tx, job.id); }
  // Faults: upload_missing, model_not_found, model_unusable, storage_full.
  Result<std::unique_ptr<jobs::Run>> prepare(const jobs::Job& job) override;

 private:
  sql::Database& db_;
  blob::Store& store_;
  const Separations& separations_;
  Options options_;
};

}  // namespace toll::separations
