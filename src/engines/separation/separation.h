// The contract of the engine "separation": what a caller sends and what comes back. The method behind it is signal
// processing, not a trained model; README.md says how far it goes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"

namespace toll::engines::separation {

inline constexpr int sample_rate = 44100;  // of every output, Hz
inline constexpr std::string_view input_name = "audio";

// The trained models of a plan: imported files (engines/htdemucs/network.h), one or a bag of them, or one of
// engines/spleeter/network.h, which has neither weights nor overlap nor shifts nor another precision. As params:
//   {"sha256":["<64 hex>"],"weights":[[1,1,1,1]],"overlap":0.25,"shifts":[],"threads":0,"memory_mib":2048,
//    "precision":"auto"}
struct TrainedModels {
  std::vector<std::string> sha256;           // one a file; the files are the inputs "model.0", "model.1", ...; verified
  std::vector<std::vector<double>> weights;  // one row a file, one column a source in the model's order; empty: all 1
  double overlap = 0.25;                     // of segments, 0 to 0.9
  std::vector<int> shifts;                   // frames; see SeparatorOptions in engines/htdemucs/separator.h
  unsigned threads = 0;                      // 0: the cores, at most 8
  std::int64_t memory_mib = 2048;            // of the models, 256 to 65536; the worker needs about 1 GiB besides
  // Products in single precision ("float32") instead of what is fastest and stays 60 dB below the result ("auto").
  bool float32 = false;
};

// What to make of one file. As params:
//   {"method":"spectral","stems":["bass","drums","other","vocals"],"two_stem":null,"into_other":[],"max_seconds":43200}
//   {"method":"htdemucs","stems":["drums","bass","other","vocals"],...,"models":{"sha256":["..."]}}
//   {"method":"spleeter","stems":["vocals","accompaniment"],...,"models":{"sha256":["..."]}}
// Every member but the models of "htdemucs" and "spleeter" may be left out; these are the defaults. two_stem names one
// stem: then the outputs are that stem and "no_<stem>", the sum of all others.
struct Plan {
  std::string method = "spectral";                                     // or "htdemucs" or "spleeter"
  std::vector<std::string> stems{"bass", "drums", "other", "vocals"};  // spectral: these four; else the model's
  std::optional<std::string> two_stem;                                 // one of `stems`
  std::vector<std::string> into_other;  // without two_stem: of `stems`, those that "other" takes in; not "other" itself
  std::int64_t max_seconds = 43200;     // longer audio is refused while it is decoded
  std::optional<TrainedModels> models;  // of "htdemucs" and "spleeter"
};

// Reason::invalid_request with the cause when the text is no such object.
Result<Plan> parse_plan(std::string_view params);
std::string write_plan(const Plan& plan);

// The stems that a run makes, in plan order: "bass", ... or "vocals", "no_vocals".
std::vector<std::string> output_stems(const Plan& plan);
// The names that Input::outputs must hold: "<stem>.wav" (16-bit PCM, RF64 beyond 4 GiB), "<stem>.flac" (16-bit) and
// "<stem>.mp3" (320 kbit/s) for every stem. All are stereo at 44.1 kHz and as long as the decoded input to the sample.
std::vector<std::string> output_files(const Plan& plan);
// The names that Input::inputs must hold: "audio", and "model.0", ... for trained models.
std::vector<std::string> input_files(const Plan& plan);
// How many descriptors Input::scratch must hold. Each grows to 8 bytes a frame (1.3 GB an hour of audio).
std::size_t scratch_files(const Plan& plan);

// The answer of "separation":
//   {"duration_seconds":25.2,"frames":1111320,"sample_rate":44100,"scale":1.0,"peak":0.93}
// `peak` is the largest magnitude in any stem before scaling; `scale` < 1 is the one factor of all stems of the job,
// used when a stem would clip.
struct Answer {
  double duration_seconds = 0;
  std::int64_t frames = 0;  // of the decoded input at 44.1 kHz
  int sample_rate = separation::sample_rate;
  double scale = 1;
  double peak = 0;
};
std::string write_answer(const Answer& answer);
// Reason::internal when the text is no such answer.
Result<Answer> parse_answer(std::string_view answer);

// Engine "separation": inputs input_files(plan), outputs output_files(plan), scratch scratch_files(plan), params of
// Plan. Faults: undecodable_audio, audio_too_long (argument limit, seconds), storage_full, cancelled, invalid_request
// (params), model_unusable (argument why: a model file that is not the announced one, cannot be run, or has other
// stems). Missing descriptors are a bug of the caller: std::invalid_argument. Uses as many threads as there are cores
// (at most 8) and, besides the files, memory that does not depend on their length.
std::unique_ptr<engine::Engine> make_separation_engine();

}  // namespace toll::engines::separation
