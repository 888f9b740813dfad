#include "engines/separation/spatial.h"

#include <algorithm>

#include "engines/separation/parallel.h"

namespace toll::engines::separation {
namespace {

using Complex = std::complex<float>;
constexpr std::size_t rows_a_slice = 16;
constexpr std::size_t bins_a_slice = 64;
// Added to the diagonal: keeps the inverse finite where all sources lie on one line, and in silence.
constexpr float relative_floor = 1e-3f, absolute_floor = 1e-12f;

struct Pair {
  Complex left, right;
};

Complex times(Complex a, Complex b) {  // std::complex checks for NaN
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

// C^-1 x for C = sum of power * covariance + floor.
inline Pair solve(Pair x, const std::vector<Source>& sources, std::size_t t, std::size_t f) {
  float left = 0, right = 0;
  Complex cross{};
  for (const auto& source : sources) {
    const float power = source.power.row(t)[f];
    const Covariance& c = source.covariance[f];
    left += power * c.left;
    right += power * c.right;
    cross += power * c.cross;
  }
  const float floor = relative_floor * (left + right) + absolute_floor;
  left += floor;
  right += floor;
  const float determinant = left * right - std::norm(cross);
  const float inverse = 1 / std::max(determinant, floor * floor);
  return {inverse * (right * x.left - times(cross, x.right)),
          inverse * (left * x.right - times(std::conj(cross), x.left))};
}

inline Pair image(Pair y, float power, const Covariance& c) {
  return {power * (c.left * y.left + times(c.cross, y.right)),
          power * (times(std::conj(c.cross), y.left) + c.right * y.right)};
}

}  // namespace

std::vector<Covariance> centred(std::size_t bins, float width) {
  return std::vector<Covariance>(bins, {1, 1, 1 - width});
}

void refine(const Stereo& mix, std::vector<Source>& sources, const std::stop_token& stop) {
  const std::size_t bins = mix.left.columns();
  parallel_for(bins, bins_a_slice, stop, [&](std::size_t begin, std::size_t end) {
    struct Sum {
      Covariance covariance;
      float power = 0;
    };
    std::vector<Sum> sums(sources.size() * (end - begin));
    for (std::size_t t = 0; t < mix.left.rows(); ++t) {
      for (std::size_t f = begin; f < end; ++f) {
        const Pair y = solve({mix.left.row(t)[f], mix.right.row(t)[f]}, sources, t, f);
        for (std::size_t j = 0; j < sources.size(); ++j) {
          float& power = sources[j].power.row(t)[f];
          const Pair s = image(y, power, sources[j].covariance[f]);
          Sum& sum = sums[j * (end - begin) + f - begin];
          sum.covariance.left += std::norm(s.left);
          sum.covariance.right += std::norm(s.right);
          sum.covariance.cross += times(s.left, std::conj(s.right));
          power = 0.5f * (std::norm(s.left) + std::norm(s.right));
          sum.power += power;
        }
      }
    }
    for (std::size_t j = 0; j < sources.size(); ++j) {
      for (std::size_t f = begin; f < end; ++f) {
        const Sum& sum = sums[j * (end - begin) + f - begin];
        if (sum.power <= 0) continue;
        const float scale = 1 / sum.power;
        sources[j].covariance[f] = {scale * sum.covariance.left, scale * sum.covariance.right,
                                    scale * sum.covariance.cross};
      }
    }
  });
}

void whiten(Stereo& mix, const std::vector<Source>& sources, const std::stop_token& stop) {
  parallel_for(mix.left.rows(), rows_a_slice, stop, [&](std::size_t begin, std::size_t end) {
    for (std::size_t t = begin; t < end; ++t) {
      for (std::size_t f = 0; f < mix.left.columns(); ++f) {
        const Pair y = solve({mix.left.row(t)[f], mix.right.row(t)[f]}, sources, t, f);
        mix.left.row(t)[f] = y.left;
        mix.right.row(t)[f] = y.right;
      }
    }
  });
}

Stereo image_of(const Source& source, const Stereo& whitened, const std::stop_token& stop) {
  Stereo out{Spectrum(whitened.left.rows(), whitened.left.columns()),
             Spectrum(whitened.left.rows(), whitened.left.columns())};
  parallel_for(out.left.rows(), rows_a_slice, stop, [&](std::size_t begin, std::size_t end) {
    for (std::size_t t = begin; t < end; ++t) {
      for (std::size_t f = 0; f < out.left.columns(); ++f) {
        const Pair s =
            image({whitened.left.row(t)[f], whitened.right.row(t)[f]}, source.power.row(t)[f], source.covariance[f]);
        out.left.row(t)[f] = s.left;
        out.right.row(t)[f] = s.right;
      }
    }
  });
  return out;
}

}  // namespace toll::engines::separation
