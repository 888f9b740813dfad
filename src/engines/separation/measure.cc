#include "engines/separation/measure.h"

#include <cmath>
#include <stdexcept>

namespace toll::engines::separation {

double sdr(std::span<const float> truth, std::span<const float> estimate) {
  if (truth.size() != estimate.size()) throw std::invalid_argument("sdr of signals of different lengths");
  double signal = 1e-12, error = 1e-12;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const double s = truth[i], e = s - static_cast<double>(estimate[i]);
    signal += s * s;
    error += e * e;
  }
  return 10 * std::log10(signal / error);
}

}  // namespace toll::engines::separation
