#include "engines/separation/spatial.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engines/separation/tests/support.h"

namespace toll::engines::separation {
namespace {
using namespace testing;
using Wide = std::complex<double>;

constexpr std::size_t frames = 40, bins = 33;

Spectrum random_spectrum(unsigned seed) {
  const auto values = noise(2 * frames * bins, seed);
  Spectrum out(frames, bins);
  for (std::size_t i = 0; i < frames * bins; ++i) out.row(0)[i] = {values[2 * i], values[2 * i + 1]};
  return out;
}

std::vector<Source> random_sources() {
  std::vector<Source> sources;
  for (unsigned j = 0; j < 3; ++j) {
    Source source{Power(frames, bins), {}};
    const auto powers = noise(frames * bins, 10 + j);
    for (std::size_t i = 0; i < powers.size(); ++i) source.power.row(0)[i] = 0.05f + std::abs(powers[i]);
    for (std::size_t f = 0; f < bins; ++f) {
      const float left = 0.4f + 0.3f * static_cast<float>(j), right = 2 - left;
      source.covariance.push_back(
          {left, right, std::polar(0.8f * std::sqrt(left * right), 0.1f * static_cast<float>(f))});
    }
    sources.push_back(std::move(source));
  }
  return sources;
}

// s = v R (sum of v R)^-1 x in double precision, written out.
std::pair<Wide, Wide> filtered(const std::vector<Source>& sources, std::size_t j, Wide l, Wide r, std::size_t i,
                               std::size_t f) {
  double a = 0, d = 0;
  Wide b = 0;
  for (const auto& s : sources) {
    const double v = s.power.row(0)[i];
    a += v * s.covariance[f].left;
    d += v * s.covariance[f].right;
    b += v * Wide(s.covariance[f].cross);
  }
  const double det = a * d - std::norm(b);
  const Wide yl = (d * l - b * r) / det, yr = (a * r - std::conj(b) * l) / det;
  const auto& c = sources[j].covariance[f];
  const double v = sources[j].power.row(0)[i];
  return {v * (Wide(c.left) * yl + Wide(c.cross) * yr), v * (std::conj(Wide(c.cross)) * yl + Wide(c.right) * yr)};
}

TEST(Spatial, filters_as_the_formula_says) {
  const Stereo mix{random_spectrum(1), random_spectrum(2)};
  const auto sources = random_sources();
  auto whitened = mix;
  whiten(whitened, sources, {});
  for (std::size_t j = 0; j < sources.size(); ++j) {
    const auto image = image_of(sources[j], whitened, {});
    for (std::size_t i = 0; i < frames * bins; ++i) {
      const auto [l, r] = filtered(sources, j, mix.left.row(0)[i], mix.right.row(0)[i], i, i % bins);
      // 0.02: the floor on the diagonal that keeps the inverse finite is a thousandth of the power.
      ASSERT_NEAR(std::abs(l - Wide(image.left.row(0)[i])), 0, 0.02);
      ASSERT_NEAR(std::abs(r - Wide(image.right.row(0)[i])), 0, 0.02);
    }
  }
}

TEST(Spatial, gives_the_centre_to_the_centred_source) {
  Stereo mix{random_spectrum(3), Spectrum(frames, bins)};
  mix.right = mix.left;
  auto sources = random_sources();
  sources.resize(2);
  sources[0].covariance = centred(bins, 0.01f);
  sources[1].covariance.assign(bins, {1, 1, {-0.99f, 0}});  // opposite phases
  const auto original = mix;
  whiten(mix, sources, {});
  const auto image = image_of(sources[0], mix, {});
  double kept = 0, all = 0;
  for (std::size_t i = 0; i < frames * bins; ++i) {
    kept += std::norm(image.left.row(0)[i]);
    all += std::norm(original.left.row(0)[i]);
  }
  EXPECT_GT(kept / all, 0.9);
}

TEST(Spatial, learns_where_a_source_stands) {
  // One source, left twice as loud as right.
  Stereo mix{random_spectrum(6), Spectrum(frames, bins)};
  for (std::size_t i = 0; i < frames * bins; ++i) mix.right.row(0)[i] = 0.5f * mix.left.row(0)[i];
  std::vector<Source> sources(2);
  for (auto& s : sources) {
    s = {Power(frames, bins), centred(bins, 0.5f)};
    for (std::size_t i = 0; i < frames * bins; ++i) s.power.row(0)[i] = 0.5f * std::norm(mix.left.row(0)[i]);
  }
  refine(mix, sources, {});
  for (std::size_t f = 0; f < bins; ++f) {
    const auto& c = sources[0].covariance[f];
    EXPECT_NEAR(c.left + c.right, 2, 1e-3);
    EXPECT_GT(c.left, 1.15f);
  }
}

TEST(Spatial, stays_finite_in_silence) {
  Stereo silence{Spectrum(frames, bins), Spectrum(frames, bins)};
  std::vector<Source> sources(2, Source{Power(frames, bins), centred(bins, 0)});
  refine(silence, sources, {});
  whiten(silence, sources, {});
  EXPECT_EQ(image_of(sources[0], silence, {}).left.row(3)[3], std::complex<float>(0));
}

}  // namespace
}  // namespace toll::engines::separation
