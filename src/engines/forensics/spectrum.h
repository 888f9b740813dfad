// What the frequencies of a picture say about how it was made.
//
// Upsampling by a fixed factor, as generators and resizers do it, repeats the spectrum and leaves peaks at fixed
// frequencies: X. Zhang, S. Karaman, S.-F. Chang, "Detecting and simulating artifacts in GAN fake images", WIFS 2019;
// J. Frank et al., "Leveraging frequency analysis for deep fake image recognition", ICML 2020. The same peaks, at the
// frequencies of a screen's pixels, are the moire of a filmed display: D. Garcia, R. de Queiroz, "Face-spoofing
// 2D-detection based on moire-pattern analysis", IEEE TIFS 10 (2015). Lenses and sensors let the power fall with
// frequency; made pictures often keep or lose too much of the highest: R. Durall, M. Keuper, J. Keuper, "Watch your
// up-convolution", CVPR 2020.
#pragma once

#include <vector>

#include "engines/forensics/picture.h"

namespace toll::engines::forensics {

struct Peak {
  double x = 0, y = 0;  // cycles a pixel, -0.5..0.5
  double rise = 0;      // over everything around it, log2 of power
};

struct Spectrum {
  std::vector<Peak>
      peaks;              // off the axes and off the multiples of 1/8, where JPEG has its own; the highest first, <= 8
  double peak_score = 0;  // 0..1
  double slope = 0;       // of log2 power over log2 frequency, from 1/8 to 1/2 cycles a pixel
  double tail = 0;        // log2 of the power above 0.4 over that at 0.2 to 0.3 cycles a pixel
};

// Mean power over windows of 128 pixels (Hann), spread over the picture, of what a median of 3x3 leaves. A picture
// below 128 pixels has no spectrum: all 0.
Spectrum spectrum_of(const Luma& luma);

}  // namespace toll::engines::forensics
