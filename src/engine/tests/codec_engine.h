// Real decoders, encoders and transforms, to prove that they work under the sandbox.
#pragma once

#include "engine/engine.h"

namespace toll::engine::testing {

// Encodes a second of sine to MP3 (LAME) with FFmpeg's libraries and decodes it; answers the number of samples.
Result<Output> run_codecs(const Input& input, Progress& progress, std::stop_token stop);
// Finds the frequency of a sine with FFTW, measured plan; answers the bin.
Result<Output> run_spectrum(const Input& input, Progress& progress, std::stop_token stop);

}  // namespace toll::engine::testing
