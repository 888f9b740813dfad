#include "engines/separation/stft.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "engines/separation/tests/support.h"

namespace toll::engines::separation {
namespace {
using namespace testing;

TEST(Stft, agrees_with_the_transform_written_out) {
  const std::size_t size = 64, hop = 16;
  const auto signal = noise(150, 1);
  const auto spectrum = Stft(size, hop).forward(signal, {});
  for (std::size_t k = 0; k < spectrum.rows(); ++k) {
    for (std::size_t f = 0; f <= size / 2; ++f) {
      std::complex<double> sum = 0;
      for (std::size_t i = 0; i < size; ++i) {
        const auto at = static_cast<std::ptrdiff_t>(k * hop + i) - static_cast<std::ptrdiff_t>(size - hop);
        if (at < 0 || at >= static_cast<std::ptrdiff_t>(signal.size())) continue;
        const double angle = 2 * std::numbers::pi * static_cast<double>(i) / size;
        sum += std::polar(signal[static_cast<std::size_t>(at)] * std::sqrt(0.5 - 0.5 * std::cos(angle)),
                          -angle * static_cast<double>(f));
      }
      EXPECT_NEAR(std::abs(sum - std::complex<double>(spectrum.row(k)[f])), 0, 1e-5) << k << " " << f;
    }
  }
}

TEST(Stft, gives_the_signal_back_whatever_its_length) {
  const Stft stft(4096, 1024);
  for (std::size_t length : {1u, 2u, 1023u, 1024u, 1025u, 4095u, 4096u, 4097u, 100'003u}) {
    const auto signal = noise(length, static_cast<unsigned>(length));
    const auto again = stft.inverse(stft.forward(signal, {}), length, {});
    EXPECT_LT(largest_difference(signal, again), 1e-6) << length;
  }
}

TEST(Stft, of_nothing_is_nothing) {
  const Stft stft(4096, 1024);
  EXPECT_EQ(stft.forward({}, {}).rows(), 0u);
  EXPECT_TRUE(stft.inverse(Spectrum(), 0, {}).empty());
}

TEST(Stft, is_the_same_on_every_run) {
  const auto signal = noise(50'000, 3);
  const auto once = Stft(2048, 512).forward(signal, {}), again = Stft(2048, 512).forward(signal, {});
  for (std::size_t k = 0; k < once.rows(); ++k)
    ASSERT_TRUE(std::equal(once.row(k), once.row(k) + once.columns(), again.row(k))) << k;
}

}  // namespace
}  // namespace toll::engines::separation
