// The worker's side: one thread listens to the host, another one runs the engine, all its runs.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "engine/channel.h"
#include "engine/frames.h"
#include "engine/host.h"
#include "engine/run_guarded.h"
#include "engine/sandbox.h"
#include "engine/sanitizers.h"

namespace toll::engine {

namespace {

constexpr int exit_clean = 0, exit_protocol = 3, exit_sandbox = 4;

void die_with_the_host() {
  // The socket closes with the host too; this also ends an engine that never looks at anything.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_DUMPABLE, 0);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file that is too large is an error of write(), not the end
}

// Frames from two threads, one after the other. A host that is gone ends the process.
class Speaker {
 public:
  explicit Speaker(int socket) : socket_(socket) {}
  void say(const WorkerFrame& frame) {
    std::string bytes = encode(frame);
    std::lock_guard lock(mutex_);
    if (!send_all(socket_, bytes, {}, Deadline::max())) ::_exit(exit_clean);
  }

 private:
  int socket_;
  std::mutex mutex_;
};

class FrameProgress final : public Progress {
 public:
  FrameProgress(Speaker& speaker, std::int64_t run) : speaker_(speaker), run_(run) {}
  void report(double fraction) override { speaker_.say(ProgressFrame{run_, fraction}); }

 private:
  Speaker& speaker_;
  std::int64_t run_;
};

struct ReceivedRun {
  RunFrame frame;
  std::vector<Fd> descriptors;
  std::stop_token stop;
};

Input input_of(const ReceivedRun& run) {
  Input input;
  input.params = run.frame.params;
  auto next = run.descriptors.begin();
  for (const auto& name : run.frame.inputs) input.inputs[name] = next++->get();
  for (const auto& name : run.frame.outputs) input.outputs[name] = next++->get();
  for (std::size_t i = 0; i < run.frame.scratch; ++i) input.scratch.push_back(next++->get());
  return input;
}

WorkerFrame answer_of(std::int64_t run, Result<Output> result) {
  if (!result) return FailedFrame{run, std::move(result).error()};
  return DoneFrame{run, std::move(result->answer)};
}

void say_answer(Speaker& speaker, std::int64_t run, Result<Output> result) {
  try {
    speaker.say(answer_of(run, std::move(result)));
  } catch (const std::exception& e) {
    speaker.say(FailedFrame{run, Fault(Reason::internal).because(e.what())});
  }
}

class Worker {
 public:
  Worker(const Catalogue& catalogue, int socket, bool sandbox)
      : catalogue_(catalogue), socket_(socket), sandbox_(sandbox && !built_with_sanitizer), speaker_(socket) {}

  int serve() {
    std::string bytes, text;
    while (receive_with_descriptors(socket_, bytes, descriptors_) != Received::closed) {
      splitter_.append(std::exchange(bytes, {}));
      for (;;) {
        auto next = splitter_.next(text);
        if (next == FrameSplitter::Next::incomplete) break;
        if (next == FrameSplitter::Next::malformed || !handle(text)) return exit_protocol;
      }
    }
    return exit_clean;
  }
  bool busy() const { return busy_; }

 private:
  bool handle(std::string_view text) {
    auto frame = parse_host_frame(text);
    if (!frame) return false;
    if (auto* cancel = std::get_if<CancelFrame>(&*frame)) {
      if (cancel->run == current_) stop_.request_stop();
      return true;
    }
    return start(std::get<RunFrame>(std::move(*frame)));
  }

  bool start(RunFrame frame) {
    if (frame.descriptors() != descriptors_.size()) return false;
    if (!prepared_) {
      if (Engine* engine = catalogue_.find(frame.engine)) engine->before_sandbox();
      prepared_ = true;
    }
    if (sandbox_) enter_sandbox();
    sandbox_ = false;  // once is for ever
    current_ = frame.run;
    busy_ = true;
    stop_ = std::stop_source();
    {
      // The host sends a run only after the end of the one before.
      std::lock_guard lock(mutex_);
      next_ = ReceivedRun{std::move(frame), std::exchange(descriptors_, {}), stop_.get_token()};
    }
    // Made here and not before: it inherits the sandbox.
    if (!runner_.joinable()) runner_ = std::jthread([this](const std::stop_token& ended) { run_all(ended); });
    came_.notify_one();
    return true;
  }

  void run_all(const std::stop_token& ended) {
    std::unique_lock lock(mutex_);
    while (came_.wait(lock, ended, [this] { return next_.has_value(); })) {
      auto run = *std::exchange(next_, std::nullopt);
      lock.unlock();
      work(std::move(run));
      lock.lock();
    }
  }

  void work(ReceivedRun run) {
    std::int64_t id = run.frame.run;
    Engine* engine = catalogue_.find(run.frame.engine);
    FrameProgress progress(speaker_, id);
    Result<Output> result = engine ? run_guarded(*engine, input_of(run), progress, run.stop)
                                   : Fault(Reason::internal).because("no engine " + run.frame.engine);
    run.descriptors.clear();
    busy_ = false;
    say_answer(speaker_, id, std::move(result));
  }

  const Catalogue& catalogue_;
  int socket_;
  bool sandbox_;
  bool prepared_ = false;
  Speaker speaker_;
  FrameSplitter splitter_;
  std::vector<Fd> descriptors_;
  std::int64_t current_ = -1;
  std::atomic<bool> busy_ = false;
  std::stop_source stop_;  // of the current run
  std::mutex mutex_;
  std::condition_variable_any came_;
  std::optional<ReceivedRun> next_;  // for the thread to take
  std::jthread runner_;
};

}  // namespace

int serve_worker(const Catalogue& catalogue, int socket, bool sandbox) {
  die_with_the_host();
  Worker worker(catalogue, socket, sandbox);
  int status = exit_sandbox;
  try {
    status = worker.serve();
  } catch (const std::exception& e) {
    // Standard error goes to the host's log.
    std::string line = std::string("worker: ") + e.what() + "\n";
    [[maybe_unused]] auto written = ::write(STDERR_FILENO, line.data(), line.size());
  }
  // Nobody waits for a run any more, and it may not look at its stop token.
  if (worker.busy()) ::_exit(status);
  return status;
}

}  // namespace toll::engine
