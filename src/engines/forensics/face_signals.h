// What tells a face that was put in, or is not alive, from one that was in front of the camera: measurements of one
// face in one frame, and what many of them together say.
//
// - A face that was warped or generated and blended in has another resolution and another noise than what surrounds it:
//   Y. Li, S. Lyu, "Exposing DeepFake Videos By Detecting Face Warping Artifacts", CVPRW 2019.
// - A generator leaves peaks in the spectrum (spectrum.h).
// - A face made frame by frame does not hold still: its points and its texture jump: D. Guera, E. Delp, "Deepfake video
//   detection using recurrent neural networks", AVSS 2018, without their network; X. Yang, Y. Li, S. Lyu, "Exposing
//   deep fakes using inconsistent head poses", ICASSP 2019, for the points.
// - A screen or a print shows moire (spectrum.h), fewer colours, and less contrast: D. Wen, H. Han, A. Jain, "Face
// spoof
//   detection with image distortion analysis", IEEE TIFS 10 (2015). A print does not move within itself.
#pragma once

#include <optional>
#include <vector>

#include "engines/forensics/face_detector.h"
#include "engines/forensics/grid.h"
#include "engines/forensics/plan.h"

namespace toll::engines::forensics {

// One face in one frame.
struct FaceMeasures {
  double sharpness = 0;  // log2 of the mean Laplacian of the face over that of the ring around it
  double noise = 0;      // log2 of the noise level, the same way
  double peaks = 0;      // Spectrum::peak_score of the face, 0..1; 0 for faces below 128 pixels
  double contrast = 0;   // the range of the middle 90 % of brightness, of 255
  double colours = 0;    // standard deviation of the hue-bearing differences R-G and B-G, of 255
  Grid pattern;          // 8x8: how much each part of the face differs from the ring in sharpness, 0..1
};
FaceMeasures measure(const Picture& picture, const Box& face);

// One face over the frames of a film, in constant memory but for a few numbers a frame.
class FaceHistory {
 public:
  void add(const FaceMeasures& measures, const Face& face, const Luma& aligned);
  std::size_t size() const { return sharpness_.size(); }
  // Signals for "swapped or generated", in a fixed order and with their weights.
  std::vector<Signal> swap_signals() const;
  // Signals for "not a live person". Those of movement need at least eight frames.
  std::vector<Signal> spoof_signals() const;
  void append(const FaceHistory& later);

 private:
  void add_movement(const Face& face, const Luma& aligned);

  std::vector<float> sharpness_, noise_, peaks_, contrast_, colours_;
  std::vector<float> jitter_, flicker_;
  std::optional<Face> last_, before_last_;
  std::vector<float> patch_;
};

}  // namespace toll::engines::forensics
