// Stereo float at 44.1 kHz -> WAV, FLAC, MP3 files. The same samples give the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace toll::engines::separation {

enum class Format { wav, flac, mp3 };
Format format_of(std::string_view file_name);  // by its ending; std::invalid_argument for another one

// One file being written. Values outside -1..1 are limited, never wrapped.
class Encoder {
 public:
  virtual ~Encoder() = default;
  // Interleaved. Reason::storage_full when there is no room.
  virtual Result<void> write(std::span<const float> stereo) = 0;
  // Writes what is held back and the lengths in the headers; once, last.
  virtual Result<void> finish() = 0;
};

// `frames` is how many frames will be written: a WAV names it before the first sample.
std::unique_ptr<Encoder> make_encoder(Format format, int fd, std::int64_t frames);

// 1.0 -> 32767 (limited), -1.0 -> -32768; a sample that came from 16 bits is found again exactly.
std::int16_t to_16_bit(float sample);

// The header of a 16-bit stereo WAV file: RIFF (Microsoft/IBM 1991), or RF64 with a ds64 chunk (EBU Tech 3306) when the
// file would be larger than RIFF's 32-bit sizes can say.
std::vector<std::byte> wav_header(std::int64_t frames);

}  // namespace toll::engines::separation
