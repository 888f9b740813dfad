#include "engines/separation/encode.h"

#include <stdexcept>

#include "engines/separation/encode_av.h"
#include "engines/separation/wav.h"

namespace toll::engines::separation {

Format format_of(std::string_view file_name) {
  if (file_name.ends_with(".wav")) return Format::wav;
  if (file_name.ends_with(".flac")) return Format::flac;
  if (file_name.ends_with(".mp3")) return Format::mp3;
  throw std::invalid_argument("no known audio format: " + std::string(file_name));
}

std::unique_ptr<Encoder> make_encoder(Format format, int fd, std::int64_t frames) {
  if (format == Format::wav) return make_wav_encoder(fd, frames);
  return make_av_encoder(format, fd);
}

}  // namespace toll::engines::separation
