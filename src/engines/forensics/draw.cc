#include "engines/forensics/draw.h"

#include <algorithm>
#include <cmath>

namespace toll::engines::forensics {
namespace {

constexpr float strongest_cover = 0.7f;

float bilinear(const Grid& grid, double x, double y) {
  const double column = std::clamp(x * grid.columns - 0.5, 0.0, grid.columns - 1.0);
  const double row = std::clamp(y * grid.rows - 0.5, 0.0, grid.rows - 1.0);
  const int left = static_cast<int>(column), top = static_cast<int>(row);
  const int right = std::min(left + 1, grid.columns - 1), bottom = std::min(top + 1, grid.rows - 1);
  const auto fx = static_cast<float>(column - left), fy = static_cast<float>(row - top);
  const float above = grid.at(left, top) * (1 - fx) + grid.at(right, top) * fx;
  const float below = grid.at(left, bottom) * (1 - fx) + grid.at(right, bottom) * fx;
  return above * (1 - fy) + below * fy;
}

void blend(std::uint8_t* pixel, float heat) {
  // Yellow at half, red at full.
  const float colour[3] = {255, 255 * std::clamp(2 - 2 * heat, 0.0f, 1.0f), 0};
  const float cover = strongest_cover * std::clamp(2 * heat, 0.0f, 1.0f);
  const float grey = static_cast<float>(pixel[0] + pixel[1] + pixel[2]) / 3;
  for (int c = 0; c < 3; ++c) {
    const float base = 0.5f * static_cast<float>(pixel[c]) + 0.5f * grey;
    pixel[c] = static_cast<std::uint8_t>(std::clamp(base * (1 - cover) + colour[c] * cover + 0.5f, 0.0f, 255.0f));
  }
}

}  // namespace

Grid upright(const Grid& stored, Orientation orientation) {
  // A picture of one pixel a cell is turned the same way.
  Picture cells{stored.columns, stored.rows, {}};
  for (float value : stored.values)
    for (int c = 0; c < 3; ++c)
      cells.rgb.push_back(static_cast<std::uint8_t>(std::clamp(value * 255 + 0.5f, 0.0f, 255.0f)));
  const auto turned = upright(std::move(cells), orientation);
  Grid out{stored.cell, turned.width, turned.height, {}};
  for (std::size_t i = 0; i < turned.rgb.size(); i += 3) out.values.push_back(static_cast<float>(turned.rgb[i]) / 255);
  return out;
}

Picture scaled_down(const Picture& picture, int longest) {
  const double scale = std::min(1.0, static_cast<double>(longest) / std::max(picture.width, picture.height));
  const auto even = [&](int side) { return std::max(2, static_cast<int>(std::lround(side * scale)) / 2 * 2); };
  return cut(picture, {0, 0, static_cast<double>(picture.width), static_cast<double>(picture.height)},
             even(picture.width), even(picture.height));
}

void draw_heat(Picture& picture, const Box& box, const Grid& heat) {
  const auto inside = clipped(box, picture.width, picture.height);
  if (heat.values.empty() || inside.area() <= 0) return;
  for (int y = static_cast<int>(inside.y1); y < static_cast<int>(inside.y2); ++y)
    for (int x = static_cast<int>(inside.x1); x < static_cast<int>(inside.x2); ++x)
      blend(picture.at(x, y), bilinear(heat, (x + 0.5 - box.x1) / box.width(), (y + 0.5 - box.y1) / box.height()));
}

void draw_frame(Picture& picture, const Box& box) {
  const auto inside = clipped(box, picture.width - 1, picture.height - 1);
  const auto mark = [&](int x, int y) { std::fill_n(picture.at(x, y), 3, std::uint8_t{255}); };
  for (int x = static_cast<int>(inside.x1); x <= static_cast<int>(inside.x2); ++x)
    mark(x, static_cast<int>(inside.y1)), mark(x, static_cast<int>(inside.y2));
  for (int y = static_cast<int>(inside.y1); y <= static_cast<int>(inside.y2); ++y)
    mark(static_cast<int>(inside.x1), y), mark(static_cast<int>(inside.x2), y);
}

}  // namespace toll::engines::forensics
