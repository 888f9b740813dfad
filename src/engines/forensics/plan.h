// The contract of the engine "forensics": what a caller sends and what comes back. It judges whether pictures and films
// of people are authentic, with the built-in rules or with ONNX models. README.md says how far the rules go.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "engines/forensics/manifest.h"

namespace toll::engines::forensics {

inline constexpr std::string_view engine_name = "forensics";
inline constexpr int most_participants = 16;  // of a film; those seen longest

enum class ModelType { df1, ac1, fd1, fe1, fi1 };
std::string_view name_of(ModelType type);                       // "DF-1", "AC-1", "FD-1", "FE-1", "FI-1"
std::optional<ModelType> model_type_of(std::string_view name);  // in any case
enum class MediaKind { image, video };
std::string_view name_of(MediaKind kind);  // "image", "video"
std::optional<MediaKind> media_kind_of(std::string_view name);

// A job is two runs. The check looks at headers and decodes the first picture, so that a file which can never be
// processed is refused before anything is charged; processing decodes all of it.
enum class Phase { check, process };

// What FI-1 is asked for.
struct Checks {
  bool faceswap = false, liveness = false, similarity = false;
  bool single_face = true;  // more than one face is worth a warning
};

struct Limits {
  std::int64_t max_pixels = 100'000'000;  // of one picture
  std::int64_t max_seconds = 600;         // of a film
  std::int64_t max_frames = 72'000;       // of a film
  // Of all frames of a film together: what bounds the time. Ten minutes of 4K at 30 frames a second are
  // 149'000'000'000.
  std::int64_t max_total_pixels = 160'000'000'000;
};

// An ONNX model, in the input "model.<i>" of the run; its SHA-256 is compared before anything reads it.
struct Model {
  Role role = Role::df1;
  std::string sha256;   // 64 hex
  std::string name;     // "owner/repo", for the analysis
  std::string version;  // for the analysis
  Manifest manifest;
};

// As params:
//   {"phase":"process","modelType":"FI-1","kind":"video","checks":{"faceswap":true,"liveness":false,"similarity":true,
//    "singleFace":true},"limits":{"pixels":100000000,"seconds":600,"frames":72000,
//    "totalPixels":160000000000},
//    "models":[{"role":"DF-1","sha256":"<64 hex>","name":"acme/df","version":"3","manifest":{...}}],
//    "threads":2,"memory_mib":1536}
struct Plan {
  Phase phase = Phase::process;
  ModelType model_type = ModelType::ac1;
  MediaKind kind = MediaKind::image;  // that was declared
  Checks checks;                      // of FI-1; at least one of them
  Limits limits;
  std::vector<Model> models;  // those of roles_of(...) that have one; without, the built-in rules
  // Of models and decoders. Sums of a model may differ in their last bits with it, so it is not the machine's number of
  // cores unless asked for (0, at most 8).
  unsigned threads = 2;
  std::int64_t memory_mib = 1536;  // of the models, 64..65536; the worker needs about 2 GiB besides
};

// Reason::invalid_request with the cause when the text is no such object or asks for what does not fit together.
Result<Plan> parse_plan(std::string_view params);
std::string write_plan(const Plan& plan);

// The roles whose models a record would use, in the order of Plan::models.
std::vector<Role> roles_of(ModelType type, const Checks& checks);
// The names that Input::inputs must hold: "media", "reference" (an image; FI-1 with similarity), and, to process,
// "model.0", ... as many as there are models. All readable, seekable, regular files.
std::vector<std::string> input_files(const Plan& plan);
// The names that Input::outputs must hold. To check: none. To process: "result.json"; "heatmap.jpg" (AC-1, FD-1);
// "participant-0.mp4" to "participant-15.mp4" (DF-1). Answer::files says which were written; drop the others.
std::vector<std::string> output_files(const Plan& plan);
std::string participant_file(int id);                            // "participant-0.mp4"
std::string_view content_type_of(std::string_view output_file);  // "application/json", "image/jpeg", "video/mp4"

// Why a record fails: the file's fault. It is an answer, not a Fault, and another attempt would end in the same.
enum class Failure { media_type_mismatch, undecodable_media, media_limit_exceeded, decode_error, no_face };
std::string_view name_of(Failure failure);  // "MEDIA_TYPE_MISMATCH", ...
std::optional<Failure> failure_of(std::string_view name);

enum class Verdict { fake, real, inconclusive };
std::string_view name_of(Verdict verdict);  // "fake", ...
std::optional<Verdict> verdict_of(std::string_view name);

struct Signal {
  std::string name;     // "double_compression"
  double score = 0;     // 0..1, higher: more likely not authentic
  double weight = 0;    // in the score; 0: shown, not counted
  std::string meaning;  // one sentence
};

// `analysis` of the record and of result.json, in the documented order.
struct Analysis {
  std::string method;                       // "onnx-model" or "builtin-forensic"
  std::string model;                        // "acme/df", "tollhouse/builtin-forensic"
  std::string model_version;                // "3", "1"
  std::optional<std::string> model_digest;  // "sha256:..."; onnx-model only
  std::optional<Verdict> verdict;           // none: FE-1, and FI-1 without faceswap
  std::optional<double> score;              // 0..1; none also for a film without a face
  std::optional<double> threshold;
  bool calibrated = false;
  std::vector<Signal> signals;
  std::vector<std::string> warnings;      // "INCONCLUSIVE", "NO_FACE", "MULTIPLE_FACES", ...; see README.md
  std::optional<std::string> disclaimer;  // builtin-forensic only
};

struct Participant {
  int id = 0;  // 0, 1, ... by falling time on screen
  bool fake = false;
  double confidence = 0;  // in what `fake` says, 0..1
  std::string file;       // "participant-0.mp4"
};

// What the file turned out to be; from both phases.
struct Media {
  MediaKind kind = MediaKind::image;
  std::string container, codec;  // FFmpeg's names: "mov,mp4,m4a,3gp,3g2,mj2", "h264"
  int width = 0, height = 0;     // in display orientation
  double seconds = 0;            // of a film: claimed by the check, counted by processing
  std::int64_t frames = 0;       // of a film: counted by processing; 0 from the check
};

struct Answer {
  std::optional<Failure> failure;
  std::string failure_message;  // one sentence for the public
  Media media;
  // From processing that did not fail; only what the model type has.
  std::optional<bool> fake;                                   // AC-1, FD-1, DF-1 (any participant)
  std::optional<double> confidence;                           // AC-1, FD-1
  std::optional<int> faces;                                   // DF-1; = participants.size()
  std::optional<int> deep_fakes;                              // DF-1
  std::vector<Participant> participants;                      // DF-1
  std::optional<bool> is_deep_fake, is_liveness, is_similar;  // FI-1: those asked for
  std::optional<double> similarity_score;                     // FI-1 with similarity; 0..100
  std::optional<Analysis> analysis;
  std::vector<std::string> files;  // of output_files() that were written
};
std::string write_answer(const Answer& answer);
// Reason::internal when the text is no such answer.
Result<Answer> parse_answer(std::string_view answer);

// Engine "forensics". What the file is to blame for is in Answer::failure. Faults: model_unusable (argument why: a
// model that is not the announced one or cannot be run, or no face detector in this build; the wire's
// ENGINE_UNAVAILABLE), invalid_request (params), storage_full, cancelled. Missing descriptors are a bug of the caller:
// std::invalid_argument. Memory does not grow with the length of a film. The same file, plan and version give the same
// bytes.
std::unique_ptr<engine::Engine> make_forensics_engine();

}  // namespace toll::engines::forensics
