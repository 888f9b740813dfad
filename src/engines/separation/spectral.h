// Four stems from a stretch of stereo audio by signal processing alone.
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
