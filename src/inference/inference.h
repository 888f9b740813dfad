// Runs ONNX models of the registry for those who may run them, and takes the toll.
//
//   place  = inference.enter(account)                        room among the calls that are on their way
//   target = inference.resolve(tx, viewer, "acme/tiny")      who may, and exactly what: pinned by digest
//   answer = inference.run({place, target, inputs}, ...)     checks, run, payment
//
// A call costs nothing unless its outputs are there: it is paid then, in one transaction with what belongs to the
// payment (Settle), and its caller gets nothing if it cannot be paid (purses.h).
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "blob/store.h"
#include "inference/model_files.h"
#include "inference/places.h"
#include "inference/pool.h"
#include "inference/purses.h"
#include "inference/target.h"
#include "inference/tensor.h"
#include "metering/ledger.h"
#include "models/serving.h"
#include "sql/database.h"

namespace toll::inference {

struct Call {
  std::shared_ptr<Place> place;  // whose account pays
  Target target;
  std::vector<Tensor> inputs;
  std::vector<std::string> outputs;  // in the order wanted; empty: all, in the model's order
  int hangup = -1;                   // a descriptor that polls POLLRDHUP when nobody waits any more; -1: none
  // Of the account, as read with the target; none: it is read when the call is about to run.
  std::optional<metering::Credits> balance = std::nullopt;
  bool prepaid = false;  // somebody else takes the price: a workflow's step
};

struct Answer {
  std::string id;  // of the call, the reference in the ledger: UUID; empty: it cost nothing
  Target target;
  metering::Credits price;
  std::vector<Tensor> outputs;
};

// Thread-safe. describe() and run() block, for as long as the pool's patience and a run may take.
class Inference {
 public:
  struct Options {
    Pool::Options pool;
    Places::Limits places;
    std::uint64_t input_bytes = 0;                    // of one call
    std::chrono::seconds timeout{60};                 // of a run, as the runner keeps it; also of fetching a model
    std::uint64_t kept_bytes = 0;                     // of fetched models, together
    metering::Credits price;                          // of a call
    std::map<std::string, metering::Credits> prices;  // of a call of these models instead
  };
  // What commits together with the payment: a kept answer, a step of a workflow. Called with the outputs, outside of
  // any transaction; what it returns runs in the payment's, perhaps again, and its fault undoes the payment.
  using Commit = std::function<Result<void>(sql::Tx&)>;
  using Settle = std::function<Commit(const Answer&)>;

  Inference(sql::Database& db, const blob::Store& store, const models::ModelServing& serving,
            const metering::Ledger& ledger, Random& random, Options options);

  // Before anything of the call is read; what it brings then is told to Place::hold. To be kept until the answer is
  // out: outputs take room too. Faults: overloaded, too_many_requests.
  Result<std::shared_ptr<Place>> enter(AccountId account);

  // What serves now. `version` is a version or an alias, or empty; `file` a file's name, or empty. Faults: those of
  // ModelServing::resolve (a model that the viewer does not see is model_not_found) and of target_of.
  Result<Target> resolve(sql::Tx& tx, const models::Viewer& viewer, std::string_view repo_id,
                         std::string_view version = {}, std::string_view file = {}) const;
  // The same as it was recorded. Faults: model_not_found, model_unusable (its files have changed or gone).
  Result<Target> recorded(sql::Tx& tx, std::string_view repo_id, std::string_view version, std::string_view digest,
                          std::string_view file) const;

  // What goes in and what comes out; costs nothing. The first time the model is loaded for it, once for all who ask
  // meanwhile. Faults: those of Pool.
  Result<std::shared_ptr<const Schema>> describe(AccountId account, const Target& target, int hangup = -1);

  // Faults: those of describe(), of check_call(), insufficient_credits, those of Pool, of Place::hold and of `settle`.
  // After a fault nothing has been paid.
  Result<Answer> run(Call call, const Settle& settle = {});

  metering::Credits price_of(std::string_view repo_id) const;
  // For Call::balance.
  metering::Credits balance(sql::Tx& tx, AccountId account) const { return ledger_.balance(tx, account); }
  const models::ModelServing& serving() const { return serving_; }
  Pool::Counts counts() const { return pool_.counts(); }
  // Longer than a call may take.
  Micros lease() const;
  // Refuses what waits and ends what runs. Idempotent.
  void stop() { pool_.stop(); }

 private:
  // The last schemas, by file.
  class Schemas {
   public:
    std::shared_ptr<const Schema> find(const std::string& key);
    void keep(const std::string& key, std::shared_ptr<const Schema> schema);

   private:
    using Entry = std::pair<std::string, std::shared_ptr<const Schema>>;
    std::mutex mutex_;
    std::list<Entry> entries_;  // the last used first
    std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
  };

  // A look at a schema that others wait for.
  struct Look {
    std::mutex mutex;
    std::optional<Fault> failed;
  };

  Run run_of(AccountId account, const Target& target);
  std::shared_ptr<Look> look_at(const std::string& key);
  Result<std::shared_ptr<Purse>> purse_for(const Call& call, metering::Credits price);
  Result<void> pay(const Answer& answer, AccountId account, const std::shared_ptr<Purse>& purse, const Settle& settle);

  sql::Database& db_;
  ModelFiles files_;
  const models::ModelServing& serving_;
  const metering::Ledger& ledger_;
  Random& random_;
  const Options options_;
  Places places_;
  Purses purses_;
  Schemas schemas_;
  std::mutex looks_mutex_;
  std::unordered_map<std::string, std::weak_ptr<Look>> looks_;
  Pool pool_;
};

}  // namespace toll::inference
