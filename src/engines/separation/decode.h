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
#include <span>
#include <stop_token>

#include "base/result.h"
#include "engines/separation/separation.h"

namespace toll::engines::separation {

class Decoder {
 public:
  // Reason::undecodable_audio when there is no audio stream with a known decoder; cancelled.
  static Result<Decoder> open(int fd, std::int64_t max_seconds, std::stop_token stop);
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  // Fills `stereo` (left, right, left, ...; an even size) and says how many frames; fewer than fit only at the end of
  // the audio. Faults: undecodable_audio when the file ends without one sample, audio_too_long, cancelled.
  Result<std::size_t> read(std::span<float> stereo);
  // What the file says about itself.
  AudioInfo info() const;
  // How far the decoder has read in the file, 0..1.
  double position() const;

 private:
  struct State;
  explicit Decoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace toll::engines::separation
