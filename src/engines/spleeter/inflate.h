// Deflated data (RFC 1951), bounded by what the caller expects of it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/result.h"

namespace toll::engines::spleeter {

// No deflated byte becomes more than 1032 (RFC 1951, 3.2.5: 258 bytes in two bits).
inline constexpr std::size_t most_growth = 1032;

class Inflater {
 public:
  enum class Format { deflate, gzip };  // of gzip (RFC 1952) the checksum is verified at its end
  Inflater(std::span<const std::byte> packed, Format format);
  ~Inflater();
  Inflater(const Inflater&) = delete;

  // Fills `out`, or stops at the end of the data; how many bytes. Reason::model_unusable when the data makes no sense
  // or is cut short.
  Result<std::size_t> read(std::span<std::byte> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace toll::engines::spleeter
