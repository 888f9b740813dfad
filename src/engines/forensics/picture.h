// Pictures in memory, 8 bits a value, rows from the top, and the few operations on them that the analysis needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace toll::engines::forensics {

struct Picture {
  int width = 0, height = 0;
  std::vector<std::uint8_t> rgb;  // 3 values a pixel
  const std::uint8_t* at(int x, int y) const { return rgb.data() + (static_cast<std::size_t>(y) * width + x) * 3; }
  std::uint8_t* at(int x, int y) { return rgb.data() + (static_cast<std::size_t>(y) * width + x) * 3; }
};

struct Luma {
  int width = 0, height = 0;
  std::vector<std::uint8_t> values;
  std::uint8_t at(int x, int y) const { return values[static_cast<std::size_t>(y) * width + x]; }
};

// Pixels, x2 and y2 exclusive; may reach beyond the picture.
struct Box {
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  double width() const { return x2 - x1; }
  double height() const { return y2 - y1; }
  double area() const { return width() > 0 && height() > 0 ? width() * height() : 0; }
};
double overlap(const Box& a, const Box& b);  // intersection over union
// Grown by `share` of its width to the left and right, and of its height above and below.
Box grown(const Box& box, double share);
Box clipped(const Box& box, int width, int height);

// How a stored picture is to be turned and mirrored to be seen upright: the values of Exif 2.32's tag Orientation
// (274), 1 to 8.
struct Orientation {
  int exif = 1;
  bool swaps_sides() const { return exif >= 5; }
};
Picture upright(Picture stored, Orientation orientation);

// The part of `picture` under `box`, scaled to width x height: each pixel is the mean of the area under it, or, where
// the part is enlarged, bilinear. What lies outside of the picture is black.
Picture cut(const Picture& picture, const Box& box, int width, int height);
// ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B.
Luma luma_of(const Picture& picture);
Luma cut(const Luma& luma, const Box& box);  // unscaled, clipped to the picture

}  // namespace toll::engines::forensics
