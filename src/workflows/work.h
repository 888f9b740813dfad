// What workers say to the database: which item is theirs, what has come out, that they are still there.
//
// A claim is the right to write about one item. It is void as soon as another worker has claimed the item or the
// execution has ended; whoever writes with a void claim changes nothing.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "metering/ledger.h"
#include "objects/objects.h"
#include "sql/database.h"
#include "workflows/definitions.h"
#include "workflows/endings.h"
#include "workflows/execution.h"

namespace toll::workflows {

struct Claim {
  ExecutionId execution;
  std::int64_t ordinal = 0;
  std::int64_t number = 0;
  auto operator<=>(const Claim&) const = default;
};

// A step that has run for the item.
struct Finished {
  json::Value value;
  std::vector<File> files;
  std::vector<std::pair<std::string, File>> shown;  // of sink.response
};

// All that a worker has to know about an item.
struct Loaded {
  ExecutionId execution;
  OrganisationId organisation;
  AccountId payer;
  WorkflowId workflow;
  std::shared_ptr<const Definition> definition;
  json::Object input, parameters, custom_data, pins;
  std::uint64_t max_file_bytes = 0;
  Time deadline;
  Item item;
  std::string source;            // the step that the item comes from
  bool listing = false;          // it is a connector's listing
  std::optional<Ending> ending;  // it is a leaf (its step is `source`), and the execution has ended so
  int lost = 0;                  // workers that died on it since its last step
  std::map<std::string, Finished> finished;
  std::map<std::string, int> attempts;  // of steps that were started and have not ended
};

// "<step>: <code>: <detail>", without control characters, of a bounded length.
std::string error_text(std::string_view step, const StepFault& fault);

// What a source has found out about its item: name, type, digest, and the file that it fetched.
void learn_from_source(Item& item, const Finished& source);

// How one step went.
struct Outcome {
  std::string step;
  int attempt = 1;
  Time started_at;
  StepResult result;
  std::string output;  // its value as JSON text, of a success
};

// How an item ended.
struct ItemEnd {
  bool succeeded = false;
  json::Value output;
  std::vector<std::pair<std::string, File>> files;  // shown to the caller, with their steps
  std::string error;                                // of a failure
};

// Thread-safe, without state.
class Work {
 public:
  Work(const Definitions& definitions, const metering::Ledger& ledger, const objects::Objects& objects,
       Endings& endings, Signals& signals, const Clock& clock, Random& random)
      : definitions_(definitions),
        ledger_(ledger),
        objects_(objects),
        endings_(endings),
        signals_(signals),
        clock_(clock),
        random_(random) {}

  // Whether claim() would find something; cheap.
  bool waiting(sql::Tx& tx) const;
  // In the order of the queue. The execution of a first item starts: EXECUTING, and its time runs.
  std::vector<Claim> claim(sql::Tx& tx, const std::string& worker, Micros lease, std::size_t limit = 1) const;
  // nullopt: the claim is void.
  std::optional<Loaded> load(sql::Tx& tx, const Claim& claim) const;

  // Writes down that a step begins. False, here and below: the claim is void and nothing has changed.
  [[nodiscard]] bool started(sql::Tx& tx, const Claim& claim, std::string_view step, int attempt) const;
  // Outputs with their rows, files and payments, and the item's end. Faults, which undo it all: insufficient_credits
  // (of a metered step), storage_full.
  Result<bool> commit(sql::Tx& tx, const Claim& claim, const Loaded& item, std::span<const Outcome> outcomes,
                      const std::optional<ItemEnd>& end) const;
  // The items of a connector, by source; each gets its hold, or fails at once for want of credits. `error`: of sources
  // that could not be listed.
  [[nodiscard]] bool listed(sql::Tx& tx, const Claim& claim, const Loaded& listing,
                            const std::map<std::string, std::vector<Item>>& items,
                            const std::optional<std::string>& error) const;
  // A leaf has run for the last time.
  [[nodiscard]] bool noticed(sql::Tx& tx, const Claim& claim, const std::optional<std::string>& error) const;
  // It is to be tried again then.
  [[nodiscard]] bool postpone(sql::Tx& tx, const Claim& claim, Time due) const;
  // Of the executions that run.
  std::optional<Time> next_deadline(sql::Tx& tx) const;
  // When the next item that was put off is due.
  std::optional<Time> next_due(sql::Tx& tx) const;
  // A worker stops in good order: the item waits again, nothing is counted.
  void give_back(sql::Tx& tx, const Claim& claim) const;

  // Renews leases; those that are void come back.
  std::vector<Claim> renew(sql::Tx& tx, const std::vector<Claim>& claims, Micros lease) const;
  // Items whose lease is over, or whose worker is one of these, wait again, with one more loss; how many.
  std::size_t reclaim(sql::Tx& tx, std::span<const std::string> dead_workers = {}) const;
  std::vector<std::string> workers(sql::Tx& tx) const;
  bool is_valid(sql::Tx& tx, const Claim& claim) const;
  // Whether there is a lease or a deadline that is over.
  bool anything_late(sql::Tx& tx, Time now) const;
  // Executions past their deadline, with what is to be said of each; at most a hundred.
  std::vector<std::pair<ExecutionId, std::string>> overdue(sql::Tx& tx) const;
  bool stop_overdue(sql::Tx& tx, const ExecutionId& id, std::string_view error) const;

 private:
  Result<void> record(sql::Tx& tx, const Claim& claim, const Loaded& item, const Outcome& outcome) const;
  Result<std::int64_t> pay(sql::Tx& tx, const Claim& claim, const Loaded& item, const Outcome& outcome) const;
  bool locked(sql::Tx& tx, const Claim& claim) const;
  bool holds(sql::Tx& tx, const Claim& claim) const;

  const Definitions& definitions_;
  const metering::Ledger& ledger_;
  const objects::Objects& objects_;
  Endings& endings_;
  Signals& signals_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace toll::workflows
