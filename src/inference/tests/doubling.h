// An engine "onnx" of the tests' own: every input as an output of the same name, doubled, and knobs to fail with.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>

#include "engine/host.h"
#include "engines/onnx/onnx_engine.h"
#include "inference/tensor.h"

namespace toll::inference::testing {

namespace onnx = engines::onnx;

// What the engine of all workers does and has seen. Thread-safe.
struct Doubling {
  std::mutex mutex;
  std::condition_variable changed;
  bool held = false;    // runs wait while it is
  int free = 0;         // of those that wait
  bool by_rows = true;  // else the outputs lack their last row
  std::atomic<int> runs{0}, waiting{0};
  std::atomic<float> refused{-1};     // a run with such an element fails
  std::atomic<bool> warm{false};      // runners say that any thread may use them
  std::atomic<std::thread::id> last;  // the thread of the last run
  std::multiset<std::string> loaded;  // digests, once for each worker that loaded one

  void hold() {
    std::lock_guard lock(mutex);
    held = true;
  }
  void release() {
    std::lock_guard lock(mutex);
    held = false;
    changed.notify_all();
  }
  // One of those that are held.
  void let_one_go() {
    std::lock_guard lock(mutex);
    ++free;
    changed.notify_all();
  }
  bool has_loaded(char digit) {
    std::lock_guard lock(mutex);
    return loaded.contains(std::string(64, digit));
  }
};

class DoublingEngine final : public engine::Engine {
 public:
  explicit DoublingEngine(Doubling& shared) : shared_(shared) {}
  engine::Description describe() const override { return {"onnx", "Doubles."}; }

  Result<engine::Output> run(const engine::Input& input, engine::Progress&, std::stop_token stop) override {
    const auto request = TOLL_TRY(onnx::parse_request(input.params));
    note_load(request.sha256);
    if (request.action == onnx::Request::Action::describe) return engine::Output{schema_text()};
    ++shared_.runs;
    shared_.last = std::this_thread::get_id();
    if (!wait(stop)) return Reason::cancelled;
    std::vector<TensorInfo> written;
    for (const auto& [name, fd] : input.outputs) {
      const auto tensor = name.substr(7);
      auto shape = request.shapes.at(tensor);
      auto values = read(input.inputs.at("input." + tensor));
      if (std::ranges::find(values, shared_.refused.load()) != values.end())
        return Fault(Reason::model_unusable).with("why", "refused");
      if (!shared_.by_rows && shape.front() > 1) {
        values.resize(values.size() / static_cast<std::size_t>(shape.front()));
        shape.front() = 1;
      }
      for (auto& value : values) value *= 2;
      EXPECT_EQ(::write(fd, values.data(), values.size() * sizeof(float)),
                static_cast<ssize_t>(values.size() * sizeof(float)));
      written.push_back({tensor, ElementType::float32, shape});
    }
    return engine::Output{onnx::write_schema({.outputs = written})};
  }

  static std::string schema_text() {
    const TensorInfo x{"x", ElementType::float32, {-1, 2}};
    return onnx::write_schema({.inputs = {x}, .outputs = {x}});
  }

 private:
  void note_load(const std::string& digest) {
    if (digest == loaded_) return;
    EXPECT_EQ(loaded_, "") << "one worker holds one model";
    loaded_ = digest;
    std::lock_guard lock(shared_.mutex);
    shared_.loaded.insert(digest);
  }
  bool wait(const std::stop_token& stop) {
    std::unique_lock lock(shared_.mutex);
    ++shared_.waiting;
    shared_.changed.notify_all();
    std::stop_callback wake(stop, [this] { shared_.changed.notify_all(); });
    while (shared_.held && shared_.free == 0 && !stop.stop_requested())
      shared_.changed.wait_for(lock, std::chrono::milliseconds(50));
    if (shared_.held && shared_.free > 0) --shared_.free;
    --shared_.waiting;
    shared_.changed.notify_all();
    return !stop.stop_requested();
  }
  static std::vector<float> read(int fd) {
    std::vector<float> values(static_cast<std::size_t>(::lseek(fd, 0, SEEK_END)) / sizeof(float));
    EXPECT_EQ(::pread(fd, values.data(), values.size() * sizeof(float), 0),
              static_cast<ssize_t>(values.size() * sizeof(float)));
    return values;
  }

  Doubling& shared_;
  std::string loaded_;
};

// A worker in this process.
class DoublingRunner final : public engine::Runner {
 public:
  explicit DoublingRunner(Doubling& shared) : shared_(shared) {
    catalogue_.add(std::make_unique<DoublingEngine>(shared));
    runner_ = engine::make_local_runner(catalogue_);
  }
  Result<engine::Output> run(const engine::Task& task, engine::Progress& progress, std::stop_token stop) override {
    return runner_->run(task, progress, std::move(stop));
  }
  bool warm() override { return shared_.warm; }

 private:
  Doubling& shared_;
  engine::Catalogue catalogue_;
  std::unique_ptr<engine::Runner> runner_;
};

inline Tensor floats(std::string name, std::vector<std::int64_t> shape, const std::vector<float>& values) {
  Tensor out{std::move(name), ElementType::float32, std::move(shape), {}};
  out.bytes.resize(values.size() * sizeof(float));
  std::memcpy(out.bytes.data(), values.data(), out.bytes.size());
  return out;
}

inline std::vector<float> values_of(const Tensor& tensor) {
  std::vector<float> out(tensor.bytes.size() / sizeof(float));
  std::memcpy(out.data(), tensor.bytes.data(), tensor.bytes.size());
  return out;
}

}  // namespace toll::inference::testing
