// Separation with the trained model of engines/spleeter, stretch by stretch while the song is decoded.
#pragma once

#include "base/result.h"
#include "engines/onnx/mapped_file.h"
#include "engines/separation/separation.h"
#include "engines/spleeter/model.h"

namespace toll::engines::separation {

struct SpleeterFile {
  onnx::MappedFile file;
  spleeter::Model model;
};

// `file` stays open. Needs load_trained_runtime() (trained.h). Reason::model_unusable, argument why: no runtime,
// another digest than the plan's, a file that cannot be run, other stems than the plan's.
Result<SpleeterFile> open_spleeter(const Plan& plan, int file);

}  // namespace toll::engines::separation
