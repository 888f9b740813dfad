#include "engines/forensics/face_signals.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "engines/forensics/noise.h"
#include "engines/forensics/scoring.h"
#include "engines/forensics/spectrum.h"

namespace toll::engines::forensics {
namespace {

constexpr double ring_width = 0.35;  // of the box, on each side
constexpr int pattern_side = 8, patch_side = 24;
constexpr std::size_t enough_movement = 8;

// Mean Laplacian magnitude of the pixels within `box`, every `step`th row.
struct Mean {
  double sum = 0;
  double count = 0;
  double value() const { return count > 0 ? sum / count : 0; }
};
Mean laplacian(const Luma& luma, const Box& box) {
  Mean out;
  const auto inside = clipped(box, luma.width, luma.height);
  for (int y = std::max(1, static_cast<int>(inside.y1)); y < std::min(luma.height - 1, static_cast<int>(inside.y2));
       ++y)
    for (int x = std::max(1, static_cast<int>(inside.x1)); x < std::min(luma.width - 1, static_cast<int>(inside.x2));
         ++x) {
      out.sum +=
          std::abs(4 * luma.at(x, y) - luma.at(x - 1, y) - luma.at(x + 1, y) - luma.at(x, y - 1) - luma.at(x, y + 1));
      ++out.count;
    }
  return out;
}

double log_ratio(double a, double b, double floor) {
  return std::log2((a + floor) / (b + floor));
}

// The middle of a face: forehead to mouth, cheek to cheek. What a swap replaces.
Box core_of(const Box& face) {
  return {face.x1 + 0.15 * face.width(), face.y1 + 0.1 * face.height(), face.x2 - 0.15 * face.width(),
          face.y2 - 0.1 * face.height()};
}

// The four sides of the ring around a face, as boxes.
std::array<Box, 4> ring_of(const Box& face) {
  const auto outer = grown(face, ring_width);
  return {{{outer.x1, outer.y1, outer.x2, face.y1},
           {outer.x1, face.y2, outer.x2, outer.y2},
           {outer.x1, face.y1, face.x1, face.y2},
           {face.x2, face.y1, outer.x2, face.y2}}};
}

double ring_sharpness(const Luma& luma, const Box& face) {
  Mean all;
  for (const auto& side : ring_of(face)) {
    const auto mean = laplacian(luma, side);
    all.sum += mean.sum;
    all.count += mean.count;
  }
  return all.value();
}

// The quietest sides do not count: a plain wall has no noise to compare with after compression.
double ring_noise(const Luma& luma, const Box& face) {
  std::vector<float> levels;
  for (const auto& side : ring_of(face)) {
    const auto part = cut(luma, side);
    if (part.width >= 8 && part.height >= 8) levels.push_back(static_cast<float>(noise_level(part)));
  }
  return quantile(levels, 0.5);
}

Grid pattern_of(const Luma& luma, const Box& face, double around) {
  Grid out{1, pattern_side, pattern_side, {}};
  for (int row = 0; row < pattern_side; ++row)
    for (int column = 0; column < pattern_side; ++column) {
      const double w = face.width() / pattern_side, h = face.height() / pattern_side;
      const Box part{face.x1 + column * w, face.y1 + row * h, face.x1 + (column + 1) * w, face.y1 + (row + 1) * h};
      out.values.push_back(
          static_cast<float>(ramp(std::abs(log_ratio(laplacian(luma, part).value(), around, 1)), 0.5, 4)));
    }
  return out;
}

void measure_colours(const Picture& picture, const Box& face, FaceMeasures& out) {
  const auto small = cut(picture, core_of(face), 48, 48);
  std::vector<float> light;
  double sum_a = 0, sum_b = 0, square_a = 0, square_b = 0;
  const auto count = static_cast<double>(small.rgb.size() / 3);
  for (std::size_t i = 0; i < small.rgb.size(); i += 3) {
    const double a = small.rgb[i] - small.rgb[i + 1], b = small.rgb[i + 2] - small.rgb[i + 1];
    sum_a += a, sum_b += b, square_a += a * a, square_b += b * b;
    light.push_back(static_cast<float>(small.rgb[i] + small.rgb[i + 1] + small.rgb[i + 2]) / 3);
  }
  const double variance = (square_a - sum_a * sum_a / count + square_b - sum_b * sum_b / count) / count;
  out.colours = std::sqrt(std::max(0.0, variance));
  out.contrast = quantile(light, 0.95) - quantile(light, 0.05);
}

// The face as 24x24 means, without its brightness and contrast: what stays of it when the light changes.
std::vector<float> patch_of(const Luma& aligned) {
  std::vector<float> out(patch_side * patch_side);
  std::vector<int> counts(out.size());
  for (int y = 0; y < aligned.height; ++y)
    for (int x = 0; x < aligned.width; ++x) {
      const auto at =
          static_cast<std::size_t>(y * patch_side / aligned.height * patch_side + x * patch_side / aligned.width);
      out[at] += aligned.at(x, y);
      ++counts[at];
    }
  double sum = 0, square = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] /= static_cast<float>(counts[i]);
    sum += out[i];
    square += static_cast<double>(out[i]) * out[i];
  }
  const auto count = static_cast<double>(out.size());
  const double mean = sum / count, deviation = std::sqrt(std::max(1.0, square / count - mean * mean));
  for (float& value : out) value = static_cast<float>((value - mean) / deviation);
  return out;
}

float median(std::vector<float> values) {
  return quantile(values, 0.5);
}

void take_all(std::vector<float>& into, const std::vector<float>& from) {
  into.insert(into.end(), from.begin(), from.end());
}

}  // namespace

FaceMeasures measure(const Picture& picture, const Box& face) {
  FaceMeasures out;
  // Only what lies around the face is looked at, so that a large picture costs no more.
  const auto area = clipped(grown(face, ring_width + 0.05), picture.width, picture.height);
  const Box whole_pixels{std::floor(area.x1), std::floor(area.y1), std::floor(area.x2), std::floor(area.y2)};
  const int width = static_cast<int>(whole_pixels.width()), height = static_cast<int>(whole_pixels.height());
  if (width < 16 || height < 16) return out;
  const auto luma = luma_of(cut(picture, whole_pixels, width, height));
  const Box local{face.x1 - whole_pixels.x1, face.y1 - whole_pixels.y1, face.x2 - whole_pixels.x1,
                  face.y2 - whole_pixels.y1};
  const auto core = cut(luma, core_of(local));
  const double around = ring_sharpness(luma, local);
  out.sharpness = log_ratio(laplacian(luma, core_of(local)).value(), around, 1);
  out.noise = log_ratio(noise_level(core), ring_noise(luma, local), 0.5);
  out.peaks = spectrum_of(core).peak_score;
  out.pattern = pattern_of(luma, local, around);
  measure_colours(picture, face, out);
  return out;
}

void FaceHistory::add(const FaceMeasures& measures, const Face& face, const Luma& aligned) {
  sharpness_.push_back(static_cast<float>(measures.sharpness));
  noise_.push_back(static_cast<float>(measures.noise));
  peaks_.push_back(static_cast<float>(measures.peaks));
  contrast_.push_back(static_cast<float>(measures.contrast));
  colours_.push_back(static_cast<float>(measures.colours));
  add_movement(face, aligned);
}

// Points by the frame of the eyes, so that moving the head is no movement; their second difference, so that turning
// it steadily is none either.
void FaceHistory::add_movement(const Face& face, const Luma& aligned) {
  if (last_ && before_last_) {
    double sum = 0;
    for (std::size_t i = 2; i < face.points.size(); ++i) {
      const auto place = [&](const Face& one) {
        const double unit = std::max(1.0, one.eye_distance());
        return Point{(one.points[i].x - one.points[0].x) / unit, (one.points[i].y - one.points[0].y) / unit};
      };
      const Point now = place(face), then = place(*last_), before = place(*before_last_);
      sum += std::hypot(now.x - 2 * then.x + before.x, now.y - 2 * then.y + before.y);
    }
    jitter_.push_back(static_cast<float>(sum / 4));
  }
  auto patch = patch_of(aligned);
  if (!patch_.empty()) {
    double sum = 0;
    for (std::size_t i = 0; i < patch.size(); ++i) sum += std::abs(patch[i] - patch_[i]);
    flicker_.push_back(static_cast<float>(sum / static_cast<double>(patch.size())));
  }
  patch_ = std::move(patch);
  before_last_ = last_;
  last_ = face;
}

std::vector<Signal> FaceHistory::swap_signals() const {
  const auto signal = [](std::string name, double score, double weight, std::string meaning) {
    return Signal{std::move(name), rounded(score), weight, std::move(meaning)};
  };
  double peaked = 0;
  for (float peak : peaks_) peaked += peak;
  if (!peaks_.empty()) peaked /= static_cast<double>(peaks_.size());
  return {signal("face_resolution", ramp(-median(sharpness_), 1.2, 3), 0.5,
                 "The face is much softer than what surrounds it, as a warped or generated face is."),
          signal("face_noise", ramp(std::abs(median(noise_)), 1.2, 3), 0.4,
                 "The face has another level of noise than what surrounds it."),
          signal("face_spectral_peaks", peaked, 0.4,
                 "The frequencies of the face have the regular peaks that upsampling leaves."),
          signal("point_jitter", ramp(median(jitter_), 0.08, 0.3), 0.35,
                 "The points of the face jump against each other from frame to frame."),
          signal("texture_flicker", ramp(median(flicker_), 0.35, 0.8), 0.35,
                 "The face changes more from frame to frame than movement and light explain.")};
}

std::vector<Signal> FaceHistory::spoof_signals() const {
  const auto signal = [](std::string name, double score, double weight, std::string meaning) {
    return Signal{std::move(name), rounded(score), weight, std::move(meaning)};
  };
  double peaked = 0;
  for (float peak : peaks_) peaked += peak;
  if (!peaks_.empty()) peaked /= static_cast<double>(peaks_.size());
  std::vector<Signal> out{
      signal("moire", peaked, 0.6, "The face has the regular pattern that filming a screen leaves."),
      signal("few_colours", ramp(-median(colours_), -6, -1), 0.35,
             "The face has hardly any differences of colour, as a print or a bad screen."),
      signal("low_contrast", ramp(-median(contrast_), -50, -20), 0.35,
             "The face has little contrast, as a picture of a picture.")};
  if (jitter_.size() < enough_movement) return out;
  out.push_back(signal("motionless", ramp(-median(flicker_), -0.05, -0.01) * ramp(-median(jitter_), -0.01, -0.002), 0.6,
                       "Nothing moves within the face: a still picture moves as a whole."));
  return out;
}

void FaceHistory::append(const FaceHistory& later) {
  take_all(sharpness_, later.sharpness_);
  take_all(noise_, later.noise_);
  take_all(peaks_, later.peaks_);
  take_all(contrast_, later.contrast_);
  take_all(colours_, later.colours_);
  take_all(jitter_, later.jitter_);
  take_all(flicker_, later.flicker_);
}

}  // namespace toll::engines::forensics
