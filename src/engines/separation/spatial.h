// Multichannel Wiener filtering of stereo mixtures: each source is a power per bin and a 2x2 spatial covariance per
// frequency (Duong, Vincent and Gribonval, "Under-determined reverberant audio source separation using a full-rank
// spatial covariance model", IEEE TASLP 2010). The gains of all sources sum to the identity, so the sources sum to the
// mix.
#pragma once

#include <stop_token>
#include <vector>

#include "engines/separation/matrix.h"

namespace toll::engines::separation {

// A Hermitian 2x2 matrix: |left|^2, |right|^2, and left times conjugate right.
struct Covariance {
  float left = 0, right = 0;
  std::complex<float> cross{};
};

struct Source {
  Power power;                         // frames x bins
  std::vector<Covariance> covariance;  // one a bin; trace 2
};

struct Stereo {
  Spectrum left, right;
};

std::vector<Covariance> centred(std::size_t bins, float width);  // width 0: left equals right; 1: independent
// One step of the expectation-maximisation of that paper, in the simplified form that Liutkus and Stoeter publish as
// "norbert" (2019): filter, then take each source's power and covariance from its own filtered signal.
void refine(const Stereo& mix, std::vector<Source>& sources, const std::stop_token& stop);

// The two halves of the filter: mix -> inverse covariance times mix (in place, once), then each source's image from it.
void whiten(Stereo& mix, const std::vector<Source>& sources, const std::stop_token& stop);
Stereo image_of(const Source& source, const Stereo& whitened, const std::stop_token& stop);

}  // namespace toll::engines::separation
