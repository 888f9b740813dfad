// What an engine is: a named piece of work that turns input files and parameters into output files and a small answer.
// Engines know neither accounts nor SQL nor HTTP. They run in worker processes without network and without the file
// system: every file is a descriptor that the host opened.
#pragma once

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace toll::engine {

struct Description {
  std::string name;     // "separation"
  std::string summary;  // one sentence
};

// What a run gets. Descriptors belong to the caller and stay open during the run.
struct Input {
  std::string params;                  // JSON object, the engine's own schema
  std::map<std::string, int> inputs;   // readable, seekable regular files
  std::map<std::string, int> outputs;  // empty, read-write regular files to fill
  std::vector<int> scratch;            // empty, read-write, unnamed files; gone after the run
};

struct Output {
  std::string answer = "{}";  // JSON object, the engine's own schema
};

class Progress {
 public:
  virtual ~Progress() = default;
  virtual void report(double fraction) = 0;  // 0..1, never falls
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual Description describe() const = 0;
  // Called once in a worker process, for the engine of its first run, before the sandbox closes: the last moment at which
  // a library can be opened. Must not look at anything that a caller sent.
  virtual void before_sandbox() {}
  // Looks at `stop` at least every 100 ms of work; then returns Reason::cancelled. Faults are the reasons under "what a
  // run of an engine can end in"; the cause goes to the log. An exception fails the run as Reason::internal.
  virtual Result<Output> run(const Input& input, Progress& progress, std::stop_token stop) = 0;
};

// The engines of this build, by name.
class Catalogue {
 public:
  void add(std::unique_ptr<Engine> engine) { engines_[engine->describe().name] = std::move(engine); }
  Engine* find(std::string_view name) const {
    auto it = engines_.find(std::string(name));
    return it == engines_.end() ? nullptr : it->second.get();
  }
  std::vector<Description> list() const {
    std::vector<Description> out;
    for (const auto& [name, engine] : engines_) out.push_back(engine->describe());
    return out;
  }

 private:
  std::map<std::string, std::unique_ptr<Engine>> engines_;
};

}  // namespace toll::engine
