// The halves of encode.h that FFmpeg's libraries make: FLAC (16 bit) and MP3 (320 kbit/s, LAME, with the Xing/LAME
// header that gives players the exact length).
#pragma once

#include "engines/separation/encode.h"

namespace toll::engines::separation {

std::unique_ptr<Encoder> make_av_encoder(Format format, int fd);

}  // namespace toll::engines::separation
