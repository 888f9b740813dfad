#include "tollhouse/commands/wav.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace toll::app {
namespace {

std::uint32_t little(std::string_view bytes, std::size_t at, int width) {
  std::uint32_t value = 0;
  for (int i = width - 1; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

struct Chunks {
  std::string_view format, data;
};

std::optional<Chunks> chunks_of(std::string_view file) {
  if (file.size() < 12 || file.substr(0, 4) != "RIFF" || file.substr(8, 4) != "WAVE") return std::nullopt;
  Chunks found;
  for (std::size_t at = 12; at + 8 <= file.size();) {
    auto id = file.substr(at, 4);
    std::size_t length = little(file, at + 4, 4);
    if (length > file.size() - at - 8) return std::nullopt;
    auto content = file.substr(at + 8, length);
    if (id == "fmt ") found.format = content;
    if (id == "data") found.data = content;
    at += 8 + length + length % 2;
  }
  return found;
}

}  // namespace

std::optional<Audio> read_wav(std::string_view file) {
  constexpr std::uint32_t pcm = 1, extensible = 0xfffe;
  auto chunks = chunks_of(file);
  if (!chunks || chunks->format.size() < 16) return std::nullopt;
  auto tag = little(chunks->format, 0, 2);
  auto channels = little(chunks->format, 2, 2);
  auto rate = little(chunks->format, 4, 4);
  auto bits = little(chunks->format, 14, 2);
  if ((tag != pcm && tag != extensible) || channels == 0 || rate == 0 || bits != 16) return std::nullopt;
  Audio out;
  out.seconds = static_cast<double>(chunks->data.size() / (2 * channels)) / rate;
  int peak = 0;
  for (std::size_t at = 0; at + 2 <= chunks->data.size(); at += 2)
    peak = std::max(peak, std::abs(static_cast<std::int16_t>(little(chunks->data, at, 2))));
  out.peak = peak / 32768.0;
  return out;
}

std::optional<double> seconds_of(std::string_view file) {
  constexpr std::size_t stream_info = 8;  // after "fLaC" and the block's header
  if (file.size() < stream_info + 18 || file.substr(0, 4) != "fLaC") {
    auto wav = read_wav(file);
    return wav ? std::optional(wav->seconds) : std::nullopt;
  }
  auto byte = [&](std::size_t at) {
    return static_cast<std::uint64_t>(static_cast<unsigned char>(file[stream_info + at]));
  };
  std::uint64_t rate = byte(10) << 12 | byte(11) << 4 | byte(12) >> 4;
  std::uint64_t samples = (byte(13) & 15) << 32 | byte(14) << 24 | byte(15) << 16 | byte(16) << 8 | byte(17);
  if (rate == 0 || samples == 0) return std::nullopt;
  return static_cast<double>(samples) / static_cast<double>(rate);
}

}  // namespace toll::app
