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

// What to make of one file. As params:
//   {"method":"spectral","stems":["bass","drums","other","vocals"],"two_stem":null,"max_seconds":43200}
// Every member may be left out; these are the defaults. two_stem names one stem: then the outputs are that stem and
// "no_<stem>", the sum of all others.
struct Plan {
  std::string method = "spectral";                                     // the only one
  std::vector<std::string> stems{"bass", "drums", "other", "vocals"};  // these four, in any order
  std::optional<std::string> two_stem;                                 // one of `stems`
  std::int64_t max_seconds = 43200;                                    // longer audio is refused while it is decoded
};

// Reason::invalid_request with the cause when the text is no such object.
Result<Plan> parse_plan(std::string_view params);
std::string write_plan(const Plan& plan);

// The stems that a run makes, in plan order: "bass", ... or "vocals", "no_vocals".
std::vector<std::string> output_stems(const Plan& plan);
// The names that Input::outputs must hold: "<stem>.wav" (16-bit PCM, RF64 beyond 4 GiB), "<stem>.flac" (16-bit) and
// "<stem>.mp3" (320 kbit/s) for every stem. All are stereo at 44.1 kHz and as long as the decoded input to the sample.
std::vector<std::string> output_files(const Plan& plan);
// How many descriptors Input::scratch must hold. Each grows to 8 bytes a frame (2.5 GB an hour of audio in two stems).
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

// Engine "separation": inputs {"audio"}, outputs output_files(plan), scratch scratch_files(plan), params of Plan.
// Faults: undecodable_audio, audio_too_long (argument limit, seconds), storage_full, cancelled, invalid_request
// (params). Missing descriptors are a bug of the caller: std::invalid_argument. Uses as many threads as there are cores
// (at most 8) and, besides the files, memory that does not depend on their length.
std::unique_ptr<engine::Engine> make_separation_engine();

}  // namespace toll::engines::separation
