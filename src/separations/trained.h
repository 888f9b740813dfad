// The trained separators that the registry holds: the models tollhouse/htdemucs, tollhouse/htdemucs_ft,
// tollhouse/htdemucs_6s and tollhouse/spleeter, as `tollhouse models import` makes them. Theirs is the name of the same
// model here.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "blob/store.h"
#include "engines/htdemucs/bundle.h"
#include "models/catalogue.h"
#include "models/serving.h"
#include "sql/database.h"

namespace toll::separations {

// What serves a job, or would serve one that is accepted now.
struct Trained {
  models::Serving serving;
  engines::htdemucs::Bundle bundle;  // Spleeter's too: one model, no weights
  std::string served_by;             // "htdemucs@8726e21a993f": with the beginning of the weights' digest
  std::string method;                // of engines/separation: "htdemucs" or "spleeter"
};

// Thread-safe. `store` outlives it.
class TrainedModels {
 public:
  // `runnable` tells whether this machine can run such models. It is asked once, when there is one: the answer costs
  // memory.
  TrainedModels(const Clock& clock, const blob::Store& store, std::function<bool()> runnable);

  // Of the model of this name: the version under the alias `production`, else what a download without a version gives.
  // nullopt: none, not one of the system's, not whole, or nothing here can run it.
  std::optional<Trained> installed(sql::Tx& tx, std::string_view name) const;
  // What was recorded with a job. Faults: model_not_found, model_unusable (its files have changed or gone).
  Result<Trained> recorded(sql::Tx& tx, std::string_view repo_id, std::string_view version,
                           std::string_view digest) const;

 private:
  Result<Trained> described(models::Serving serving) const;
  bool can_run() const;

  const blob::Store& store_;
  const models::Catalogue catalogue_;
  const models::ModelServing registry_;
  const std::function<bool()> runnable_;
  mutable std::once_flag asked_;
  mutable bool can_run_ = false;
  mutable std::mutex mutex_;
  mutable std::map<Sha256, engines::htdemucs::Bundle> bundles_;  // by their files' digests
};

}  // namespace toll::separations
