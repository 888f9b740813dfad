// The host's side of a run: feeds one worker process, listens to it, and ends it when it must be ended.
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>
#include <thread>

#include "base/log.h"
#include "engine/channel.h"
#include "engine/frames.h"
#include "engine/host.h"
#include "engine/line_log.h"
#include "engine/process.h"

namespace toll::engine {

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds look_interval{250};  // how often CPU time is read
constexpr std::chrono::seconds send_time{10};            // for a worker to take its task
constexpr std::chrono::milliseconds dying_time{500};     // between the end of its socket and the end of a process
// A worker reports ten times a second; one that says far more wants to keep us busy.
constexpr double frames_a_second = 50, frames_at_once = 100;

// What poll() hears of a stop request.
class StopSignal {
 public:
  // `fd`: an eventfd that outlives this; it may be raised already, by a stop request of an earlier run.
  StopSignal(int fd, std::stop_token stop) : fd_(fd), callback_(std::move(stop), Raise{fd}) {}
  int fd() const { return fd_; }
  void drain() {
    std::uint64_t count;
    [[maybe_unused]] auto size = ::read(fd_, &count, sizeof count);
  }

 private:
  struct Raise {
    int fd;
    void operator()() const {
      std::uint64_t one = 1;
      [[maybe_unused]] auto size = ::write(fd, &one, sizeof one);
    }
  };
  int fd_;
  std::stop_callback<Raise> callback_;
};

struct Message {
  RunFrame frame;
  std::vector<int> descriptors;
};

Message message_of(std::int64_t run, const Task& task) {
  Message message{{.run = run, .engine = task.engine, .params = task.input.params}, {}};
  for (const auto& [name, fd] : task.input.inputs) {
    message.frame.inputs.push_back(name);
    message.descriptors.push_back(fd);
  }
  for (const auto& [name, fd] : task.input.outputs) {
    message.frame.outputs.push_back(name);
    message.descriptors.push_back(fd);
  }
  message.frame.scratch = task.input.scratch.size();
  message.descriptors.insert(message.descriptors.end(), task.input.scratch.begin(), task.input.scratch.end());
  return message;
}

// One run in one worker. When `ended_well` is false afterwards, the worker is dead and must be replaced.
class Supervision {
 public:
  Supervision(WorkerProcess& worker, const Limits& limits, std::int64_t run, Progress& progress, int stop_fd,
              std::stop_token stop, const Task& task)
      : worker_(worker),
        limits_(limits),
        run_(run),
        progress_(progress),
        stop_(stop),
        signal_(stop_fd, stop),
        hangup_(task.hangup),
        log_(task.engine) {}

  Result<Output> carry_out(const Message& message) {
    cpu_limit_ = worker_.allow_cpu(limits_.cpu_time);
    if (!send_all(worker_.socket(), encode(HostFrame(message.frame)), message.descriptors, Steady::now() + send_time))
      return gone("did not take its task");
    while (!result_) {
      if (auto ended = enforce()) return *std::move(ended);
      wait();
    }
    log_.read_from(worker_.error_pipe());
    log_.finish();
    return *std::move(result_);
  }

  bool ended_well() const { return result_.has_value(); }

 private:
  using Ended = std::optional<Result<Output>>;

  // Stops what has run too long; passes a cancel on, and has no patience for ever.
  Ended enforce() {
    auto now = Steady::now();
    if (now >= deadline_) return killed(Reason::job_timed_out, "out of wall time");
    if (now >= next_look_) {
      next_look_ = now + look_interval;
      if (worker_.cpu_time() > cpu_limit_) return killed(Reason::job_timed_out, "out of CPU time");
    }
    if (frames_ > frames_at_once + frames_a_second * std::chrono::duration<double>(now - started_).count())
      return killed(Reason::worker_lost, "too many frames");
    if (malformed_) return killed(Reason::worker_lost, "malformed frame");
    if (closed_) return gone("closed its socket");
    if ((hung_up_ || stop_.stop_requested()) && !kill_at_) {
      kill_at_ = now + limits_.cancel_grace;
      send_all(worker_.socket(), encode(HostFrame(CancelFrame{run_})), {}, *kill_at_);
    }
    if (kill_at_ && now >= *kill_at_) return killed(Reason::cancelled, "did not stop when asked");
    return std::nullopt;
  }

  void wait() {
    std::array<pollfd, 4> sources{pollfd{worker_.socket(), POLLIN, 0}, pollfd{worker_.error_pipe(), POLLIN, 0},
                                  pollfd{signal_.fd(), POLLIN, 0}, pollfd{hangup_, POLLRDHUP, 0}};
    auto until = std::min(deadline_, kill_at_.value_or(deadline_));
    auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now());
    auto pause = std::clamp(left, std::chrono::milliseconds(0), look_interval);
    if (::poll(sources.data(), sources.size(), static_cast<int>(pause.count())) <= 0) return;
    if (sources[3].revents) {
      hung_up_ = true;
      hangup_ = -1;
    }
    if (sources[2].revents) signal_.drain();
    if (sources[1].revents & POLLIN) log_.read_from(worker_.error_pipe());
    if (sources[0].revents) listen();
  }

  void listen() {
    std::string bytes, text;
    closed_ = receive_bytes(worker_.socket(), bytes) == Received::closed;
    splitter_.append(bytes);
    for (auto next = splitter_.next(text); next != FrameSplitter::Next::incomplete; next = splitter_.next(text)) {
      frames_ += 1;
      auto frame = next == FrameSplitter::Next::frame ? parse_worker_frame(text) : std::nullopt;
      // Nothing may follow the end of a run, and nothing may speak of another one.
      malformed_ = malformed_ || result_ || !frame || !take(*std::move(frame));
      if (malformed_) return result_.reset();
    }
  }

  bool take(WorkerFrame frame) {
    if (std::visit([](const auto& f) { return f.run; }, frame) != run_) return false;
    if (auto* progress = std::get_if<ProgressFrame>(&frame)) {
      if (progress->fraction > fraction_) progress_.report(fraction_ = progress->fraction);
    } else if (auto* done = std::get_if<DoneFrame>(&frame)) {
      result_.emplace(Output{std::move(done->answer)});
    } else {
      result_.emplace(std::get<FailedFrame>(std::move(frame)).fault);
    }
    return true;
  }

  Fault killed(Reason reason, std::string_view why) {
    worker_.kill();
    return report(reason, std::string(why));
  }

  Fault gone(std::string_view how) {
    for (auto until = Steady::now() + dying_time; worker_.alive() && Steady::now() < until;)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    worker_.kill();
    worker_.reap();
    Reason reason = worker_.killed_for_cpu() ? Reason::job_timed_out
                    : kill_at_               ? Reason::cancelled
                                             : Reason::worker_lost;
    return report(reason, std::string(how));
  }

  Fault report(Reason reason, std::string why) {
    why += "; " + worker_.reap();
    log_.read_from(worker_.error_pipe());
    log_.finish();
    log::warn("engine.worker_ended", {{"pid", worker_.pid()}, {"why", why}});
    return Fault(reason).because(std::move(why));
  }

  WorkerProcess& worker_;
  const Limits& limits_;
  std::int64_t run_;
  Progress& progress_;
  std::stop_token stop_;
  StopSignal signal_;
  int hangup_;
  bool hung_up_ = false;
  LineLog log_;
  FrameSplitter splitter_;
  Steady::time_point started_ = Steady::now();
  Steady::time_point deadline_ = started_ + limits_.wall_time;
  Steady::time_point next_look_ = started_ + look_interval;
  std::chrono::nanoseconds cpu_limit_{};
  std::optional<Steady::time_point> kill_at_;
  std::optional<Result<Output>> result_;
  double frames_ = 0;
  double fraction_ = -1;
  bool malformed_ = false;
  bool closed_ = false;
};

class ProcessRunner final : public Runner {
 public:
  ProcessRunner(std::filesystem::path program, Limits limits)
      : program_(std::move(program)), limits_(limits), stop_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!stop_fd_) throw std::system_error(errno, std::generic_category(), "eventfd");
  }

  bool warm() override { return worker_ && runs_of_worker_ < limits_.runs_per_worker && worker_->alive(); }

  Result<Output> run(const Task& task, Progress& progress, std::stop_token stop) override {
    if (stop.stop_requested()) return Reason::cancelled;
    Message message = message_of(++run_, task);
    if (message.descriptors.size() > max_descriptors) return Fault(Reason::internal).because("too many descriptors");
    if (auto started = start_worker(); !started) return std::move(started).error();
    Supervision supervision(*worker_, limits_, run_, progress, stop_fd_.get(), stop, task);
    Result<Output> result = supervision.carry_out(message);
    if (!supervision.ended_well() || ++runs_of_worker_ >= limits_.runs_per_worker) worker_.reset();
    return result;
  }

 private:
  Result<void> start_worker() {
    if (worker_ && worker_->alive()) return {};
    worker_.reset();
    runs_of_worker_ = 0;
    try {
      worker_ = std::make_unique<WorkerProcess>(program_, limits_);
    } catch (const std::system_error& e) {
      return Fault(Reason::worker_lost).because(std::string("cannot start ") + program_.string() + ": " + e.what());
    }
    return {};
  }

  std::filesystem::path program_;
  Limits limits_;
  Fd stop_fd_;
  std::unique_ptr<WorkerProcess> worker_;
  std::int64_t run_ = 0;
  std::uint32_t runs_of_worker_ = 0;
};

}  // namespace

std::unique_ptr<Runner> make_process_runner(std::filesystem::path program, Limits limits) {
  return std::make_unique<ProcessRunner>(std::move(program), limits);
}

}  // namespace toll::engine
