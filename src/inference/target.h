// What runs: a file of a version of a model, pinned by digest.
#pragma once

#include <string>

#include "models/serving.h"

namespace toll::inference {

inline constexpr std::string_view engine_name = "onnx", ending = ".onnx";

// Keep it with what was accepted: moving an alias counts for what is accepted afterwards.
struct Target {
  std::string repo_id;
  std::string version;              // empty: files without a version
  std::string digest;               // of the version, as models::Serving says it
  models::ServedFile file;          // the ONNX file
  std::string file_sha256() const;  // 64 lower-case hexadecimal characters
  std::string label() const;        // "acme/tiny v1 (model.onnx)", for people
};

// The file of `serving` to run: the one named; without a name the only *.onnx there is, else model.onnx, else
// onnx/model.onnx. Faults: file_not_found (no such *.onnx file), model_unusable with `why` (the card names another
// engine; several files and no name).
// Which of these file names that is.
Result<std::string> file_of(const std::vector<std::string>& names, std::string_view file);
Result<Target> target_of(const models::Serving& serving, std::string_view file);

}  // namespace toll::inference
