// Four stems from a stretch of stereo audio by signal processing alone. A first guess shares every bin out:
//   - drums against the rest by median filtering (Fitzgerald, "Harmonic/percussive separation using median filtering",
//   DAFx 2010);
//   - bass by its band, of the harmonic part;
//   - vocals by the stereo centre (after Avendano and Jot, "A frequency-domain approach to multichannel upmix", JAES
//   2004) and
//     by not repeating (REPET-SIM, repetition.h), of the harmonic part, with the consonants that come from the
//     percussive part;
//   - other is what remains.
// A multichannel Wiener filter (spatial.h) then finds where each stem stands in the stereo image and splits the mix.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <stop_token>
#include <vector>

namespace toll::engines::separation {

enum class Stem : std::size_t { bass, drums, other, vocals };
inline constexpr std::size_t stem_count = 4;
inline constexpr std::array<const char*, stem_count> stem_names{"bass", "drums", "other", "vocals"};

inline constexpr std::size_t spectral_hop = 1024;  // samples; a stretch should begin at a multiple of it

// The stems of `stereo` (interleaved, 44.1 kHz), each as long, interleaved, in the order of Stem. They sum to the input
// within float rounding. Empty vectors after a stop request. Memory: about 12 KiB a millisecond of audio.
std::array<std::vector<float>, stem_count> separate_spectral(std::span<const float> stereo,
                                                             const std::stop_token& stop);

}  // namespace toll::engines::separation
