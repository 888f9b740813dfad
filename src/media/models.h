// Which models of the registry do what a modelType needs. Assigned by administrators; counts for records that are
// accepted afterwards.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "blob/store.h"
#include "identity/audit.h"
#include "inference/target.h"
#include "media/record.h"
#include "models/catalogue.h"
#include "models/serving.h"
#include "sql/database.h"

namespace toll::media {

inline constexpr std::string_view manifest_file = "media.json";

struct Assignment {
  forensics::Role role = forensics::Role::df1;
  std::string repo_id, version;  // a version or an alias; empty: what serves without either
  Time assigned_at;
};

// Files of a model, by digest, and what its manifest says.
struct Found {
  inference::Target target;
  forensics::Manifest manifest;
};

// Thread-safe. `store` outlives it.
class Models {
 public:
  Models(const Clock& clock, const blob::Store& store);

  std::vector<Assignment> list(sql::Tx& tx) const;
  // What would serve `role` from this repository. Faults: model_not_found, version_not_found, model_unusable with `why`
  // (no or a wrong media.json, one for another task, no ONNX file).
  Result<Found> look(sql::Tx& tx, forensics::Role role, std::string_view repo_id, std::string_view version) const;
  // Of a model that look() found, after check_model() said yes to it.
  Assignment assign(sql::Tx& tx, forensics::Role role, std::string_view repo_id, std::string_view version,
                    const identity::Actor& by) const;
  // False: none was assigned.
  bool unassign(sql::Tx& tx, forensics::Role role, const identity::Actor& by) const;

  // What is to serve a record that is accepted now. A model that cannot be found is recorded as such: its records end
  // as ENGINE_UNAVAILABLE, never with another engine.
  std::vector<Recorded> now(sql::Tx& tx, ModelType type, const forensics::Checks& checks) const;
  // The same as it was recorded. Faults: model_unusable.
  Result<Found> recorded(sql::Tx& tx, const Recorded& model) const;

 private:
  Result<Found> described(models::Serving serving, forensics::Role role) const;

  const Clock& clock_;
  const blob::Store& store_;
  const models::Catalogue catalogue_;
  const models::ModelServing serving_;
};

}  // namespace toll::media
