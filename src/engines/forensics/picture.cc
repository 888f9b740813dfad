#include "engines/forensics/picture.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace toll::engines::forensics {
namespace {

// Where a pixel of the stored picture comes to stand.
std::pair<int, int> place(int x, int y, int width, int height, int exif) {
  switch (exif) {
    case 2:
      return {width - 1 - x, y};
    case 3:
      return {width - 1 - x, height - 1 - y};
    case 4:
      return {x, height - 1 - y};
    case 5:
      return {y, x};
    case 6:
      return {height - 1 - y, x};
    case 7:
      return {height - 1 - y, width - 1 - x};
    case 8:
      return {y, width - 1 - x};
    default:
      return {x, y};
  }
}

// The pixels under [from, to) of one axis with their shares; bilinear when less than one pixel lies under it.
struct Reach {
  int first = 0;
  std::vector<float> shares;
};
Reach reach(double from, double to) {
  if (to - from < 1) {
    const double centre = (from + to) / 2 - 0.5;
    const auto first = static_cast<int>(std::floor(centre));
    const auto second = static_cast<float>(centre - first);
    return {first, {1 - second, second}};
  }
  Reach out{static_cast<int>(std::floor(from)), {}};
  for (int i = out.first; i < to; ++i)
    out.shares.push_back(static_cast<float>((std::min<double>(to, i + 1) - std::max<double>(from, i)) / (to - from)));
  return out;
}

std::vector<Reach> reaches(double from, double to, int count) {
  std::vector<Reach> out;
  const double step = (to - from) / count;
  for (int i = 0; i < count; ++i) out.push_back(reach(from + i * step, from + (i + 1) * step));
  return out;
}

std::array<float, 3> mean_under(const Picture& picture, const Reach& columns, const Reach& rows) {
  std::array<float, 3> sum{};
  const bool inside = columns.first >= 0 && columns.first + static_cast<int>(columns.shares.size()) <= picture.width;
  if (inside) {
    for (std::size_t j = 0; j < rows.shares.size(); ++j) {
      const int y = rows.first + static_cast<int>(j);
      if (y < 0 || y >= picture.height) continue;
      const auto* pixel = picture.at(columns.first, y);
      float red = 0, green = 0, blue = 0;
      for (const float share : columns.shares) {
        red += share * pixel[0], green += share * pixel[1], blue += share * pixel[2];
        pixel += 3;
      }
      sum[0] += rows.shares[j] * red, sum[1] += rows.shares[j] * green, sum[2] += rows.shares[j] * blue;
    }
    return sum;
  }
  for (std::size_t j = 0; j < rows.shares.size(); ++j) {
    const int y = rows.first + static_cast<int>(j);
    if (y < 0 || y >= picture.height) continue;
    for (std::size_t i = 0; i < columns.shares.size(); ++i) {
      const int x = columns.first + static_cast<int>(i);
      if (x < 0 || x >= picture.width) continue;
      const float share = rows.shares[j] * columns.shares[i];
      const auto* pixel = picture.at(x, y);
      for (int c = 0; c < 3; ++c) sum[static_cast<std::size_t>(c)] += share * pixel[c];
    }
  }
  return sum;
}

}  // namespace

double overlap(const Box& a, const Box& b) {
  const Box both{std::max(a.x1, b.x1), std::max(a.y1, b.y1), std::min(a.x2, b.x2), std::min(a.y2, b.y2)};
  const double shared = both.area(), all = a.area() + b.area() - shared;
  return all > 0 ? shared / all : 0;
}

Box grown(const Box& box, double share) {
  const double x = share * box.width(), y = share * box.height();
  return {box.x1 - x, box.y1 - y, box.x2 + x, box.y2 + y};
}

Box clipped(const Box& box, int width, int height) {
  return {std::clamp<double>(box.x1, 0, width), std::clamp<double>(box.y1, 0, height),
          std::clamp<double>(box.x2, 0, width), std::clamp<double>(box.y2, 0, height)};
}

Picture upright(Picture stored, Orientation orientation) {
  if (orientation.exif <= 1 || orientation.exif > 8) return stored;
  Picture out{stored.width, stored.height, std::vector<std::uint8_t>(stored.rgb.size())};
  if (orientation.swaps_sides()) std::swap(out.width, out.height);
  for (int y = 0; y < stored.height; ++y)
    for (int x = 0; x < stored.width; ++x) {
      const auto [to_x, to_y] = place(x, y, stored.width, stored.height, orientation.exif);
      std::copy_n(stored.at(x, y), 3, out.at(to_x, to_y));
    }
  return out;
}

Picture cut(const Picture& picture, const Box& box, int width, int height) {
  Picture out{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(width) * height * 3)};
  const auto columns = reaches(box.x1, box.x2, width), rows = reaches(box.y1, box.y2, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const auto mean = mean_under(picture, columns[static_cast<std::size_t>(x)], rows[static_cast<std::size_t>(y)]);
      for (int c = 0; c < 3; ++c)
        out.at(x, y)[c] = static_cast<std::uint8_t>(std::clamp(mean[static_cast<std::size_t>(c)] + 0.5f, 0.0f, 255.0f));
    }
  return out;
}

Luma luma_of(const Picture& picture) {
  Luma out{picture.width, picture.height,
           std::vector<std::uint8_t>(static_cast<std::size_t>(picture.width) * picture.height)};
  const auto* pixel = picture.rgb.data();
  // The coefficients in 16 bits of fraction, so that every machine rounds alike.
  for (auto& value : out.values) {
    value = static_cast<std::uint8_t>((19595 * pixel[0] + 38470 * pixel[1] + 7471 * pixel[2] + 32768) >> 16);
    pixel += 3;
  }
  return out;
}

Luma cut(const Luma& luma, const Box& box) {
  const auto inside = clipped(box, luma.width, luma.height);
  const int x1 = static_cast<int>(inside.x1), y1 = static_cast<int>(inside.y1);
  Luma out{static_cast<int>(inside.x2) - x1, static_cast<int>(inside.y2) - y1, {}};
  for (int y = 0; y < out.height; ++y) {
    const auto row = luma.values.begin() + static_cast<std::ptrdiff_t>(y1 + y) * luma.width + x1;
    out.values.insert(out.values.end(), row, row + out.width);
  }
  return out;
}

}  // namespace toll::engines::forensics
