// Warm worker processes for models. One worker holds one model for its whole life: the code that a hostile model might
// bring never meets another model's inputs. A slot keeps its worker while calls for its model come, gives it up when
// another model needs the slot (least recently used first) or nothing came for a while, and replaces it when it died.
//
//   run() ── waits ──► slot thread ── engine::Runner ── worker process (engine "onnx")
//   run() ── borrows ──► the slot of an idle worker that holds its model; its thread goes on sleeping
//
// A slot that becomes free serves the account that has the fewest runs now, prefers calls for the model it holds, but
// lets nobody wait long for that. For as long as an account's failed runs took, it comes behind all others and leaves
// them a worker: a model that loops for ever does not keep them out.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "blob/store.h"
#include "engine/host.h"
#include "engines/onnx/onnx_engine.h"
#include "inference/tensor.h"

namespace toll::inference {

// One run, or one look at a schema.
struct Run {
  AccountId account;   // whose it is: runs of several accounts are never put together
  std::string model;   // whose worker it needs: equal for equal bytes of one repository's file
  std::string sha256;  // of the file
  std::function<Result<std::shared_ptr<const blob::Reader>>()>
      open;  // the file; called when a worker is started for it
  engines::onnx::Request::Action action = engines::onnx::Request::Action::run;
  std::vector<Tensor> inputs;
  std::vector<std::string> outputs;
  std::int64_t rows = 0;  // of the first axis, when the run may be put together with others; 0: it may not
};

struct Ran {
  std::vector<Tensor> outputs;  // in the order of Run::outputs
  std::string answer;           // of a look at the schema
};

class Pool {
 public:
  struct Options {
    std::function<std::unique_ptr<engine::Runner>()> make_runner;
    std::size_t workers = 1;
    unsigned threads = 1;                        // of a worker
    std::uint64_t model_mib = 1024;              // of a model's tensors in a worker
    std::uint64_t output_bytes = 0;              // of a run's outputs together
    std::chrono::milliseconds patience{30'000};  // until a call that waits gives up
    std::chrono::milliseconds idle{120'000};     // until an unused worker ends
    std::int64_t batch = 0;                      // most rows of runs that are put together; 0: none are
    std::chrono::milliseconds batch_delay{0};    // that a run waits for others
  };
  struct Counts {
    std::size_t waiting = 0, running = 0, warm = 0;
    std::uint64_t started = 0, batched = 0;  // workers so far; runs that shared a run with others so far
  };

  explicit Pool(Options options);
  // Ends what runs.
  ~Pool();

  // Blocks. `hangup`: a descriptor that polls POLLRDHUP when nobody waits for the answer any more; -1: none.
  // Faults: those of engine "onnx" and of Runner; overloaded with retry_after when no worker became free in time;
  // cancelled when the caller hung up; shutting_down; model_unusable when the outputs are too large.
  Result<Ran> run(Run run, int hangup);
  // The account's runs took this long for nothing: it comes behind all others for as long.
  void let_wait(AccountId account, std::chrono::steady_clock::duration time);
  // What waits is refused, what runs is ended. Idempotent.
  void stop();
  Counts counts() const;

 private:
  struct Call;
  struct Slot;
  struct Shared;
  using Group = std::vector<std::shared_ptr<Call>>;
  using Waiting = std::list<std::shared_ptr<Call>>;
  using Steady = std::chrono::steady_clock;

  Slot* borrow(const Run& run);
  void give_back(Slot& slot, AccountId account);

  // Under the mutex:
  void assign();
  Slot* slot_for(const Call& call);
  void hand(Slot& slot, std::shared_ptr<Call> call);
  bool fits(const Group& group, const Call& call) const;
  std::size_t runs_of(const Call& call) const;
  Waiting::iterator first_of_the_least_served();
  std::shared_ptr<Call> take_waiting(const Slot& slot);
  bool owes(AccountId account, Steady::time_point now) const;
  std::optional<Steady::time_point> next_that_owes_no_more() const;
  void no_longer_runs(AccountId account);
  void leave(Call& call);
  Group next_for(Slot& slot, std::unique_lock<std::mutex>& lock);
  void rest(Slot& slot, std::unique_lock<std::mutex>& lock);
  void gather(Slot& slot, std::unique_lock<std::mutex>& lock);
  // On a slot's thread, the last four also on that of who borrowed it:
  void serve(Slot& slot);
  void carry_out(Slot& slot, const Group& calls);
  void finish(Slot& slot, Call& call, Result<Ran> result);
  Result<std::vector<Ran>> attempt(Slot& slot, const std::vector<const Run*>& runs, const std::stop_token& stop,
                                   int hangup = -1);
  Result<void> make_ready(Slot& slot, const Run& run);
  Result<std::vector<Ran>> send(Slot& slot, const std::vector<const Run*>& runs, const std::stop_token& stop,
                                int hangup);
  Result<std::vector<Ran>> read_outputs(const std::vector<const Run*>& runs, const std::string& answer,
                                        const std::vector<int>& files) const;

  const Options options_;
  mutable std::mutex mutex_;
  Waiting waiting_;
  std::size_t running_ = 0;
  std::unordered_map<AccountId, std::size_t> runs_of_;       // handed to slots
  std::unordered_map<AccountId, Steady::time_point> owing_;  // until when
  std::uint64_t started_ = 0, batched_ = 0;
  bool stopping_ = false;
  std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace toll::inference
