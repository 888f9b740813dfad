#include "engines/forensics/descriptor.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>

#include "engines/forensics/manifest.h"
#include "engines/forensics/onnx_model.h"

namespace toll::engines::forensics {
namespace {

constexpr int cut_side = 256;
constexpr Point left_eye{38, 46}, right_eye{74, 46};
constexpr int gradient_cells = 6, directions = 8;
constexpr int pattern_columns = 4, pattern_rows = 5, patterns = 10;
// How much each block counts in the dot product of two descriptors.
constexpr double gradient_share = 0.6, pattern_share = 0.25, geometry_share = 0.15;

float bilinear(const Luma& luma, double x, double y) {
  const double inside_x = std::clamp(x, 0.0, luma.width - 1.0), inside_y = std::clamp(y, 0.0, luma.height - 1.0);
  const int left = std::min(static_cast<int>(inside_x), luma.width - 2);
  const int top = std::min(static_cast<int>(inside_y), luma.height - 2);
  const double fx = inside_x - left, fy = inside_y - top;
  return static_cast<float>((luma.at(left, top) * (1 - fx) + luma.at(left + 1, top) * fx) * (1 - fy) +
                            (luma.at(left, top + 1) * (1 - fx) + luma.at(left + 1, top + 1) * fx) * fy);
}

// Takes the mean out and gives the block the length sqrt(share); a block without anything in it stays 0.
void normalise(std::span<float> block, double share) {
  const double mean = std::accumulate(block.begin(), block.end(), 0.0) / static_cast<double>(block.size());
  double square = 0;
  for (float& value : block) {
    value = static_cast<float>(value - mean);
    square += static_cast<double>(value) * value;
  }
  if (square < 1e-12) return;
  const double scale = std::sqrt(share / square);
  for (float& value : block) value = static_cast<float>(value * scale);
}

std::vector<float> gradients(const Luma& face) {
  std::vector<float> out(gradient_cells * gradient_cells * directions);
  for (int y = 1; y + 1 < face.height; ++y)
    for (int x = 1; x + 1 < face.width; ++x) {
      const double dx = face.at(x + 1, y) - face.at(x - 1, y), dy = face.at(x, y + 1) - face.at(x, y - 1);
      double angle = std::atan2(dy, dx) / std::numbers::pi;  // light and dark may change places
      if (angle < 0) angle += 1;
      const auto direction = std::min(directions - 1, static_cast<int>(angle * directions));
      const int cell = y * gradient_cells / face.height * gradient_cells + x * gradient_cells / face.width;
      out[static_cast<std::size_t>(cell * directions + direction)] += static_cast<float>(std::hypot(dx, dy));
    }
  // Square roots: one strong edge is not worth ten.
  for (float& value : out) value = std::sqrt(value);
  return out;
}

// 0..8: how many of eight neighbours are brighter, if they lie together; 9 if they do not.
int pattern_at(const Luma& face, int x, int y) {
  constexpr std::array<std::pair<int, int>, 8> around{
      {{-1, -1}, {0, -1}, {1, -1}, {1, 0}, {1, 1}, {0, 1}, {-1, 1}, {-1, 0}}};
  unsigned bits = 0;
  for (std::size_t i = 0; i < around.size(); ++i)
    bits |= static_cast<unsigned>(face.at(x + around[i].first, y + around[i].second) > face.at(x, y) + 2) << i;
  const unsigned changes = bits ^ ((bits << 1 | bits >> 7) & 0xff);
  return std::popcount(changes) <= 2 ? std::popcount(bits) : 9;
}

std::vector<float> textures(const Luma& face) {
  std::vector<float> out(pattern_columns * pattern_rows * patterns);
  for (int y = 1; y + 1 < face.height; ++y)
    for (int x = 1; x + 1 < face.width; ++x) {
      const int cell = y * pattern_rows / face.height * pattern_columns + x * pattern_columns / face.width;
      ++out[static_cast<std::size_t>(cell * patterns + pattern_at(face, x, y))];
    }
  for (float& value : out) value = std::sqrt(value);
  return out;
}

std::vector<float> geometry(const Face& face) {
  std::vector<float> out;
  const double unit = std::max(1.0, face.eye_distance());
  for (std::size_t i = 0; i < face.points.size(); ++i)
    for (std::size_t j = i + 1; j < face.points.size(); ++j)
      out.push_back(static_cast<float>(
          std::hypot(face.points[i].x - face.points[j].x, face.points[i].y - face.points[j].y) / unit));
  // Where nose, mouth and ears lie in the frame of the eyes.
  const Point a = face.points[0], b = face.points[1];
  const double ux = (b.x - a.x) / unit, uy = (b.y - a.y) / unit;
  for (std::size_t i = 2; i < face.points.size(); ++i) {
    const double dx = face.points[i].x - a.x, dy = face.points[i].y - a.y;
    out.push_back(static_cast<float>((dx * ux + dy * uy) / unit));
    out.push_back(static_cast<float>((dy * ux - dx * uy) / unit));
  }
  out.push_back(static_cast<float>(face.box.width() / unit));
  return out;
}

}  // namespace

Luma aligned(const Picture& picture, const Face& face) {
  const auto square = square_around(face.box, 0.6);
  const auto region = luma_of(cut(picture, square, cut_side, cut_side));
  const double scale = cut_side / square.width();
  const auto in_region = [&](const Point& point) {
    return Point{(point.x - square.x1) * scale, (point.y - square.y1) * scale};
  };
  const Point left = in_region(face.points[0]), right = in_region(face.points[1]);
  // The similarity that takes the aligned eyes to those of the picture: z -> left + m (z - left_eye), m complex.
  const double length = right_eye.x - left_eye.x;
  const double mx = (right.x - left.x) / length, my = (right.y - left.y) / length;
  Luma out{aligned_side, aligned_side, {}};
  out.values.reserve(static_cast<std::size_t>(aligned_side) * aligned_side);
  for (int y = 0; y < aligned_side; ++y)
    for (int x = 0; x < aligned_side; ++x) {
      const double dx = x - left_eye.x, dy = y - left_eye.y;
      const float value = bilinear(region, left.x + mx * dx - my * dy, left.y + my * dx + mx * dy);
      out.values.push_back(static_cast<std::uint8_t>(value + 0.5f));
    }
  return out;
}

std::vector<float> describe(const Luma& aligned, const Face& face) {
  std::vector<float> out;
  for (auto [block, share] : {std::pair{gradients(aligned), gradient_share},
                              {textures(aligned), pattern_share},
                              {geometry(face), geometry_share}}) {
    normalise(block, share);
    out.insert(out.end(), block.begin(), block.end());
  }
  static_assert(gradient_cells * gradient_cells * directions + pattern_columns * pattern_rows * patterns + 24 ==
                embedding_width);
  double square = 0;
  for (float value : out) square += static_cast<double>(value) * value;
  for (float& value : out) value = static_cast<float>(value / std::sqrt(std::max(square, 1e-12)));
  return out;
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace toll::engines::forensics
