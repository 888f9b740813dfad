// What is in a file that a stranger sent, found out in a sandboxed worker process.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/host.h"

namespace toll::probe {

// A music file, decoded to its end.
struct Recording {
  std::string content_type;      // "audio/flac"
  std::string codec;             // FFmpeg's name: "pcm_s16le", "vorbis"
  std::int64_t frames = 0;       // that came out
  std::int64_t sample_rate = 0;  // Hz
  std::int64_t channels = 0;
  std::optional<std::string> title;  // the tag, as valid UTF-8
  std::int64_t duration_ms() const { return sample_rate > 0 ? (frames * 1000 + sample_rate / 2) / sample_rate : 0; }
};

// ".flac" of "audio/flac"; empty for a type that no Recording has.
std::string_view extension_of(std::string_view content_type);

// Blocking; thread-safe. Descriptors are readable and seekable, and stay the caller's.
class Prober {
 public:
  virtual ~Prober() = default;
  // Whether there is audio that FFmpeg can decode, in any container. Faults: unsupported_file.
  virtual Result<void> has_audio(int fd) = 0;
  // A file of one of these kinds, told by its content: WAV, AIFF, FLAC, MP3, Ogg Vorbis, Opus, AAC, M4A. Faults:
  // unsupported_file (anything else), undecodable_audio (empty, damaged, or it ends before its time; a
  // WAV file may: it is as long as it is), audio_too_long
  // {limit, seconds}.
  virtual Result<Recording> measure(int fd, std::chrono::seconds longest) = 0;
};

// The engine "probe" for the catalogue of the worker process: input {"audio"}, params {"task":"has_audio"} or
// {"task":"measure","max_seconds":7200}, the answer of measure is a Recording.
inline constexpr std::string_view engine_name = "probe";
std::unique_ptr<engine::Engine> make_engine();

// Probes in worker processes of its own, at most `runners` files at a time. make_runner is called at once.
using MakeRunner = std::function<std::unique_ptr<engine::Runner>()>;
std::unique_ptr<Prober> make_prober(MakeRunner make_runner, std::size_t runners);

}  // namespace toll::probe
