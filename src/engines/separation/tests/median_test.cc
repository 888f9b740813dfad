#include "engines/separation/median.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engines/separation/tests/support.h"

namespace toll::engines::separation {
namespace {
using namespace testing;

float middle(std::vector<float> values) {
  std::sort(values.begin(), values.end());
  return values[(values.size() - 1) / 2];
}

TEST(MedianNetwork, finds_what_sorting_finds_for_every_width) {
  const std::size_t columns = 77;
  for (std::size_t width = 1; width <= 40; ++width) {
    const auto values = noise(width * columns, static_cast<unsigned>(width));
    std::vector<const float*> rows;
    for (std::size_t k = 0; k < width; ++k) rows.push_back(values.data() + k * columns);
    std::vector<float> out(columns);
    MedianNetwork{width}(rows.data(), columns, out.data());
    for (std::size_t i = 0; i < columns; ++i) {
      std::vector<float> column;
      for (const float* row : rows) column.push_back(row[i]);
      ASSERT_EQ(out[i], middle(column)) << width << " " << i;
    }
  }
}

TEST(MedianNetwork, sorts_out_equal_values) {
  const std::vector<float> low(5, 1.0f), high(5, 2.0f);
  const float* rows[] = {high.data(), low.data(), low.data(), high.data(), low.data()};
  std::vector<float> out(5);
  MedianNetwork{5}(rows, 5, out.data());
  EXPECT_EQ(out, low);
}

class MedianFilter : public ::testing::TestWithParam<std::size_t> {
 protected:
  MedianFilter() : in_(23, 41) {
    const auto values = noise(23 * 41, 9);
    std::copy(values.begin(), values.end(), in_.row(0));
  }
  float at(std::ptrdiff_t t, std::ptrdiff_t f) const {
    return in_.row(
        static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(t, 0, 22)))[std::clamp<std::ptrdiff_t>(f, 0, 40)];
  }
  Power in_;
};

TEST_P(MedianFilter, repeats_the_edge_along_time_and_frequency) {
  const auto half = static_cast<std::ptrdiff_t>(GetParam() / 2);
  const auto along_time = median_along_time(in_, GetParam(), {}),
             along_frequency = median_along_frequency(in_, GetParam(), {});
  for (std::ptrdiff_t t = 0; t < 23; ++t) {
    for (std::ptrdiff_t f = 0; f < 41; ++f) {
      std::vector<float> column, row;
      for (auto k = -half; k <= half; ++k) {
        column.push_back(at(t + k, f));
        row.push_back(at(t, f + k));
      }
      ASSERT_EQ(along_time.row(static_cast<std::size_t>(t))[f], middle(column));
      ASSERT_EQ(along_frequency.row(static_cast<std::size_t>(t))[f], middle(row));
    }
  }
}
INSTANTIATE_TEST_SUITE_P(widths, MedianFilter, ::testing::Values(1, 3, 17, 51));

}  // namespace
}  // namespace toll::engines::separation
