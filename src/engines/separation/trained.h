// Separation with trained models: decodes once to a scratch file, then runs engines/htdemucs over it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "engines/separation/chunks.h"
#include "engines/separation/separation.h"

namespace toll::engines::separation {

// Opens what trained models need, before the sandbox closes. A runtime that is not there is reported by open().
void load_trained_runtime();

class TrainedSeparation {
 public:
  struct Song {
    int audio;    // any container
    int scratch;  // empty; grows to 8 bytes a frame
    std::int64_t max_seconds;
  };

  // `files` are the model files, which stay open. Opens the first; the others of a bag are opened when it is their
  // turn. Reason::model_unusable, argument why: no runtime, another digest than the plan's, a file that cannot be run,
  // other stems than the plan's.
  static Result<TrainedSeparation> open(const Plan& plan, const std::vector<int>& files);
  ~TrainedSeparation();
  TrainedSeparation(TrainedSeparation&&) noexcept;

  const std::vector<std::string>& sources() const;  // in the models' order: that of the sink's stems
  // How many frames there were. `done` gets the share of the work. Faults: of Decoder, storage_full,
  // cancelled, model_unusable (those of open() for the other files, models that do not fit together).
  Result<std::int64_t> run(const Song& song, const ChunkSink& sink, const std::function<void(double)>& done,
                           const std::stop_token& stop);

 private:
  struct State;
  explicit TrainedSeparation(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace toll::engines::separation
