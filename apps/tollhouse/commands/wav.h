// Looks into the audio files that the demonstration sends and gets.
#pragma once

#include <optional>
#include <string_view>

namespace toll::app {

struct Audio {
  double seconds = 0;
  double peak = 0;  // 0..1; of the whole file
};

// A 16-bit PCM WAV file, whole; nullopt for anything else, also when the file is shorter than it says.
std::optional<Audio> read_wav(std::string_view file);

// How long a FLAC (from its STREAMINFO, RFC 9639) or 16-bit WAV file plays; nullopt for anything else.
std::optional<double> seconds_of(std::string_view file);

}  // namespace toll::app
