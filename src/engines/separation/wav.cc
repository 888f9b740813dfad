#include "engines/separation/wav.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string_view>

#include "engines/av/files.h"
#include "engines/separation/separation.h"

namespace toll::engines::separation {
namespace {

static_assert(std::endian::native == std::endian::little, "samples are written as they lie in memory");
constexpr std::uint64_t frame_bytes = 4;
constexpr std::uint64_t unknown = 0xFFFFFFFF;  // in RF64: the ds64 chunk says it

class Header {
 public:
  Header& tag(std::string_view four) {
    for (char c : four) bytes_.push_back(static_cast<std::byte>(c));
    return *this;
  }
  Header& number(std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i) bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
    return *this;
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

class WavEncoder final : public Encoder {
 public:
  WavEncoder(int fd, std::int64_t frames) : fd_(fd), header_(wav_header(frames)) {}

  Result<void> write(std::span<const float> stereo) override {
    if (position_ == 0) {
      if (auto begun = put(header_); !begun) return begun;
    }
    block_.resize(stereo.size());
    std::transform(stereo.begin(), stereo.end(), block_.begin(), to_16_bit);
    return put(std::as_bytes(std::span(block_)));
  }
  Result<void> finish() override { return {}; }

 private:
  Result<void> put(std::span<const std::byte> bytes) {
    auto written = av::write_at(fd_, position_, bytes);
    if (written) position_ += static_cast<std::int64_t>(bytes.size());
    return written;
  }

  int fd_;
  std::vector<std::byte> header_;
  std::int64_t position_ = 0;
  std::vector<std::int16_t> block_;
};

}  // namespace

std::int16_t to_16_bit(float sample) {
  return static_cast<std::int16_t>(std::lrint(std::clamp(sample * 32768.0f, -32768.0f, 32767.0f)));
}

std::vector<std::byte> wav_header(std::int64_t frames) {
  const std::uint64_t count = static_cast<std::uint64_t>(frames), data = count * frame_bytes;
  const bool large = 36 + data > 0xFFFFFFFF;
  Header header;
  if (large) {
    header.tag("RF64").number(unknown, 4).tag("WAVE");
    header.tag("ds64").number(28, 4).number(72 + data, 8).number(data, 8).number(count, 8).number(0, 4);
  } else {
    header.tag("RIFF").number(36 + data, 4).tag("WAVE");
  }
  header.tag("fmt ").number(16, 4).number(1, 2).number(2, 2).number(sample_rate, 4);
  header.number(sample_rate * frame_bytes, 4).number(frame_bytes, 2).number(16, 2);
  header.tag("data").number(large ? unknown : data, 4);
  return header.take();
}

std::unique_ptr<Encoder> make_wav_encoder(int fd, std::int64_t frames) {
  return std::make_unique<WavEncoder>(fd, frames);
}

}  // namespace toll::engines::separation
