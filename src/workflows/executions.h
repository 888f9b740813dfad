// Executions: accepted, read, cancelled, acknowledged, kept for their time. What runs them is runner.h.
//
//   prepared = executions.prepare(order)                 the whole call checked, no transaction
//   execution = executions.accept(tx, prepared)          row, items, files, holds: one transaction
//   executions.wait(id, seconds)                         the end, or the time is up
//   execution = executions.find(tx, deployment, id); items = executions.items(tx, execution)
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "blob/store.h"
#include "metering/ledger.h"
#include "objects/objects.h"
#include "objects/sweeper.h"
#include "sql/database.h"
#include "workflows/definitions.h"
#include "workflows/endings.h"
#include "workflows/execution.h"
#include "workflows/signals.h"

namespace toll::workflows {

// A checked call. Keep it until accept() has committed: the bytes of its files are not in the store before.
struct Prepared {
  Order order;
  std::shared_ptr<const Definition> definition;
  std::int64_t revision = 1;
  Limits limits;                                        // as they count for this call
  std::vector<Item> items;                              // of the request; a connector's follow later
  std::vector<std::shared_ptr<blob::Staged>> contents;  // of the items, where they are files; else null
  std::string source;                                   // the step that takes the request's items
  bool lists = false;                                   // a connector has items of its own
  std::string question;                                 // digest of everything else that was asked
};

struct ListExecutions {
  std::optional<OrganisationId> organisation;
  std::optional<DeploymentId> deployment;
  std::optional<State> state;
  std::size_t offset = 0, limit = 50;
};

struct ExecutionPage {
  std::vector<Execution> executions;  // newest first
  std::int64_t count = 0;
};

// Thread-safe. Another deployment's or organisation's execution is absent.
class Executions {
 public:
  struct Options {
    Micros history = std::chrono::hours(24 * 90);  // how long an ended execution is remembered; 0: for ever
  };
  Executions(sql::Database& db, const Definitions& definitions, const metering::Ledger& ledger,
             const objects::Objects& objects, blob::Store& store, objects::Sweeper& sweeper, Signals& signals,
             const Clock& clock, Random& random, Options options);

  // Checks a call: the input schema, what stands in input_data (text, file_url, file_urls, files), numbers and sizes of
  // files. Blocking; not on a database thread. Faults: workflow_not_found; invalid_request with every problem, paths as
  // in the call ("input_data.invoice_no", "files"); upload_too_large with `limit` in bytes; storage_full.
  Result<Prepared> prepare(Order order);
  // May run again with the same argument. Faults: insufficient_credits, storage_full, workflow_not_found (deleted
  // meanwhile).
  Result<Execution> accept(sql::Tx& tx, const Prepared& prepared);

  // Faults, here and below: execution_not_found.
  Result<Execution> find(sql::Tx& tx, const DeploymentId& deployment, const ExecutionId& id) const;
  Result<Execution> find(sql::Tx& tx, const OrganisationId& organisation, const ExecutionId& id) const;
  ExecutionPage list(sql::Tx& tx, const ListExecutions& which) const;
  // In the order of the input; of any state. Faults: result_expired. With `text` extracted_text is looked up too.
  Result<std::vector<ItemResult>> items(sql::Tx& tx, const Execution& execution, bool text = false) const;

  // PENDING, EXECUTING -> STOPPED; STOPPED stays so. Finished items keep their results. Faults: execution_finished
  // {status}.
  Result<Execution> cancel(sql::Tx& tx, const Execution& execution);
  // All open ones of a deployment that goes; how many.
  std::size_t cancel_all(sql::Tx& tx, const DeploymentId& deployment);

  // Of parallel first readers exactly one gets true. give_back: the answer was not delivered.
  bool acknowledge(sql::Tx& tx, const ExecutionId& id);
  void give_back(sql::Tx& tx, const ExecutionId& id);

  // Blocks until the end, but not beyond `patience` or a stop request; whether it has ended. Not on a database thread.
  bool wait(const ExecutionId& id, Micros patience, std::stop_token stop = {}) const;
  // `told` is called once, soon after the end within this process, on a database thread; look at the state after
  // asking.
  [[nodiscard]] std::shared_ptr<void> on_end(const ExecutionId& id, Signals::Told told) {
    return signals_.on_end(id, std::move(told));
  }
  // Called in the transaction that ends an execution, for those who count. Before any request.
  void counts(Endings::Ended counted) { endings_.counts(std::move(counted)); }

  // Deletes results past their time and executions past their history; how many, at most `limit` of each.
  std::size_t sweep(sql::Tx& tx, std::size_t limit = 100);
  // Everything of an account that is being deleted: its executions are cancelled and forgotten.
  void remove_payer(sql::Tx& tx, AccountId payer);

  const Definitions& definitions() const { return definitions_; }
  Endings& endings() { return endings_; }

 private:
  void arm_leaves(sql::Tx& tx, const Prepared& prepared, const ExecutionId& id) const;
  void forget(sql::Tx& tx, const std::string& id) const;

  sql::Database& db_;
  const Definitions& definitions_;
  const metering::Ledger& ledger_;
  const objects::Objects& objects_;
  blob::Store& store_;
  objects::Sweeper& sweeper_;
  Signals& signals_;
  const Clock& clock_;
  Random& random_;
  const Options options_;
  Endings endings_;
};

// Which steps an item of this source goes through: not the other sources, nor what comes after those alone, nor what
// runs after the end.
std::vector<bool> steps_of_item(const Definition& definition, const Catalogue& catalogue, const std::string& source);

// Roles and names of an execution's files among its objects.
inline constexpr std::string_view input_role = "execution_input", result_role = "execution_file";
std::string result_file_name(std::int64_t ordinal, std::string_view step, std::string_view name);

}  // namespace toll::workflows
