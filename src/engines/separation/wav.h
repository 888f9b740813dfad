// The WAV half of encode.h.
#pragma once

#include "engines/separation/encode.h"

namespace toll::engines::separation {

std::unique_ptr<Encoder> make_wav_encoder(int fd, std::int64_t frames);

}  // namespace toll::engines::separation
