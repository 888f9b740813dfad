// How good a separation is.
#pragma once

#include <span>

namespace toll::engines::separation {

// Signal-to-distortion ratio in dB: 10 log10(|s|^2 / |s - e|^2), as in the Music Demixing Challenge 2021 (Mitsufuji et
// al., 2022). Over all samples of both channels; 1e-12 on both sides keeps silence finite. The lengths must be equal.
double sdr(std::span<const float> truth, std::span<const float> estimate);

}  // namespace toll::engines::separation
