// A spectrogram-shaped array: one row a frame, one column a frequency bin.
#pragma once

#include <complex>
#include <cstddef>
#include <vector>

namespace toll::engines::separation {

template <class T>
class Matrix {
 public:
  Matrix() = default;
  Matrix(std::size_t rows, std::size_t columns) : rows_(rows), columns_(columns), values_(rows * columns) {}

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }
  T* row(std::size_t r) { return values_.data() + r * columns_; }
  const T* row(std::size_t r) const { return values_.data() + r * columns_; }

 private:
  std::size_t rows_ = 0, columns_ = 0;
  std::vector<T> values_;
};

using Power = Matrix<float>;  // or magnitudes, or a mask
using Spectrum = Matrix<std::complex<float>>;

}  // namespace toll::engines::separation
