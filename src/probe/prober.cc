// The host's side.
#include <condition_variable>
#include <mutex>
#include <vector>

#include "base/log.h"
#include "probe/probe.h"
#include "probe/recording.h"

namespace toll::probe {

namespace {

struct NoProgress final : engine::Progress {
  void report(double) override {}
};

class EngineProber final : public Prober {
 public:
  EngineProber(MakeRunner make_runner, std::size_t runners) {
    for (std::size_t i = 0; i < runners; ++i) free_.push_back(make_runner());
  }

  Result<void> has_audio(int fd) override {
    auto answer = run(fd, R"({"task":"has_audio"})");
    if (answer) return {};
    log::info("probe.refused", {{"cause", answer.error().describe()}});
    return Reason::unsupported_file;
  }

  Result<Recording> measure(int fd, std::chrono::seconds longest) override {
    auto answer = run(fd, R"({"task":"measure","max_seconds":)" + std::to_string(longest.count()) + "}");
    if (answer) return parse_recording(answer->answer);
    log::info("probe.refused", {{"cause", answer.error().describe()}});
    // A file that takes a decoder down, or holds it for ever, is no audio that can be decoded.
    const auto reason = answer.error().reason();
    if (reason == Reason::worker_lost || reason == Reason::job_timed_out)
      return Fault(Reason::undecodable_audio).because(answer.error().describe());
    return std::move(answer).error();
  }

 private:
  Result<engine::Output> run(int fd, std::string params) {
    engine::Task task{std::string(engine_name), {}};
    task.input.params = std::move(params);
    task.input.inputs["audio"] = fd;
    auto runner = take();
    NoProgress progress;
    auto answer = runner->run(task, progress, {});
    give_back(std::move(runner));
    return answer;
  }

  std::unique_ptr<engine::Runner> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !free_.empty(); });
    auto runner = std::move(free_.back());
    free_.pop_back();
    return runner;
  }
  void give_back(std::unique_ptr<engine::Runner> runner) {
    std::lock_guard lock(mutex_);
    free_.push_back(std::move(runner));
    changed_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<engine::Runner>> free_;
};

}  // namespace

std::unique_ptr<Prober> make_prober(MakeRunner make_runner, std::size_t runners) {
  return std::make_unique<EngineProber>(std::move(make_runner), runners);
}

}  // namespace toll::probe
