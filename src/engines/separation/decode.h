// Any container FFmpeg can read -> stereo float at 44.1 kHz, in blocks. Parses untrusted bytes.
//
// The default audio stream is taken, other streams are neither decoded nor probed by their decoders. Mono is doubled,
// more than two channels are mixed down (ITU-R BS.775 coefficients, normalised so that full scale stays full scale).
// Formats that read other files (playlists, concat, images) are not among the demuxers, and nothing is opened but the
// descriptor. Damaged packets are left out. NaN becomes 0, and magnitudes are limited to 16 (24 dB above full scale).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "engines/separation/separation.h"

namespace toll::engines::separation {

// What a file says about itself.
struct AudioInfo {
  std::string container;  // FFmpeg's name of the format, "ogg"
  std::string codec;      // "vorbis"
  int channels = 0;
  int sample_rate = 0;                     // of the file, Hz
  std::optional<double> duration_seconds;  // a claim, not a measurement; null when there is none
  bool exact_duration = false;             // the claim counts samples; it is no estimate from a bit rate
  bool pictures_move = false;              // there is a video stream besides cover pictures
  std::optional<std::string> title;        // the tag, as it stands there
};

// What decoding a file to its end found.
struct Measured {
  std::int64_t frames = 0;   // that came out, without the encoder's delay and padding
  std::int64_t packets = 0;  // of the audio stream
  std::int64_t damaged = 0;  // packets of those that could not be decoded
};

class Decoder {
 public:
  // Reason::undecodable_audio: the container is damaged or unknown; with the argument streams = none: it is fine, but
  // has no audio stream with a known decoder. cancelled.
  static Result<Decoder> open(int fd, std::int64_t max_seconds, std::stop_token stop);
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  // Fills `stereo` (left, right, left, ...; an even size) and says how many frames; fewer than fit only at the end of
  // the audio. Faults: undecodable_audio when the file ends without one sample, audio_too_long, cancelled.
  Result<std::size_t> read(std::span<float> stereo);
  // Decodes what is left at the file's own rate and keeps nothing of it. Not together with read(). Faults: as read().
  Result<Measured> measure();
  AudioInfo info() const;
  // How far the decoder has read in the file, 0..1.
  double position() const;

 private:
  struct State;
  explicit Decoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Opens the file behind a readable, seekable descriptor and decodes a little of its default audio stream. Moves no file
// offset. Parses untrusted bytes: only in a sandboxed worker. Reason::undecodable_audio when not one sample comes out.
Result<AudioInfo> probe(int fd, std::stop_token stop = {});

}  // namespace toll::engines::separation
