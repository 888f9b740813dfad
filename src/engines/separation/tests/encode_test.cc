#include "engines/separation/encode.h"
#include "engines/separation/decode.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

#include "engines/separation/measure.h"
#include "engines/separation/tests/support.h"

namespace toll::engines::separation {
namespace {
using namespace testing;

std::string encoded(Format format, std::span<const float> stereo, std::size_t block = 2 * 1000) {
  MemoryFile file;
  auto encoder = make_encoder(format, file.fd(), static_cast<std::int64_t>(stereo.size() / 2));
  for (std::size_t at = 0; at < stereo.size(); at += block)
    encoder->write(stereo.subspan(at, std::min(block, stereo.size() - at))).value();
  encoder->finish().value();
  return file.content();
}

std::uint64_t number_at(const std::vector<std::byte>& bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data() + at, width);
  return value;
}
std::string tag_at(const std::vector<std::byte>& bytes, std::size_t at) {
  return {reinterpret_cast<const char*>(bytes.data()) + at, 4};
}

TEST(WavHeader, is_the_plain_one_as_long_as_it_can_be) {
  const auto header = wav_header(1000);
  ASSERT_EQ(header.size(), 44u);
  EXPECT_EQ(tag_at(header, 0), "RIFF");
  EXPECT_EQ(number_at(header, 4, 4), 4036u);
  EXPECT_EQ(tag_at(header, 8), "WAVE");
  EXPECT_EQ(number_at(header, 20, 2), 1u);  // integers
  EXPECT_EQ(number_at(header, 22, 2), 2u);  // channels
  EXPECT_EQ(number_at(header, 24, 4), 44100u);
  EXPECT_EQ(number_at(header, 28, 4), 176400u);  // bytes a second
  EXPECT_EQ(number_at(header, 34, 2), 16u);
  EXPECT_EQ(number_at(header, 40, 4), 4000u);
  EXPECT_EQ(tag_at(wav_header((0xFFFFFFFFll - 36) / 4), 0), "RIFF");
}

TEST(WavHeader, says_sizes_beyond_4_GiB_in_64_bits) {
  const std::int64_t frames = 8ll * 3600 * 44100;  // 5.08e9 bytes
  const auto header = wav_header(frames);
  ASSERT_EQ(header.size(), 80u);
  EXPECT_EQ(tag_at(header, 0), "RF64");
  EXPECT_EQ(number_at(header, 4, 4), 0xFFFFFFFFu);
  EXPECT_EQ(tag_at(header, 12), "ds64");
  EXPECT_EQ(number_at(header, 20, 8), static_cast<std::uint64_t>(frames) * 4 + 72);  // all but the first 8 bytes
  EXPECT_EQ(number_at(header, 28, 8), static_cast<std::uint64_t>(frames) * 4);
  EXPECT_EQ(number_at(header, 36, 8), static_cast<std::uint64_t>(frames));
  EXPECT_EQ(tag_at(header, 48), "fmt ");
  EXPECT_EQ(tag_at(header, 72), "data");
  EXPECT_EQ(number_at(header, 76, 4), 0xFFFFFFFFu);
  EXPECT_EQ(tag_at(wav_header((0xFFFFFFFFll - 36) / 4 + 1), 0), "RF64");
}

TEST(WavHeader, of_an_RF64_file_is_understood_by_a_reader) {
  const auto header = wav_header(8ll * 3600 * 44100);
  MemoryFile file(std::string_view(reinterpret_cast<const char*>(header.data()), header.size()));
  file.resize(static_cast<std::int64_t>(header.size()) + 8ll * 3600 * 44100 * 4);  // silence that takes no room
  const auto info = probe(file.fd()).value();
  EXPECT_NEAR(*info.duration_seconds, 8 * 3600, 0.01);
}

TEST(SixteenBits, limit_and_never_wrap) {
  EXPECT_EQ(to_16_bit(0), 0);
  EXPECT_EQ(to_16_bit(1), 32767);
  EXPECT_EQ(to_16_bit(3), 32767);
  EXPECT_EQ(to_16_bit(-1), -32768);
  EXPECT_EQ(to_16_bit(-3), -32768);
  for (int n = -32768; n < 32768; ++n) ASSERT_EQ(to_16_bit(static_cast<float>(n) / 32768.0f), n);
}

class Lossless : public ::testing::TestWithParam<Format> {};

TEST_P(Lossless, gives_16_bit_samples_back_whatever_the_length) {
  for (std::size_t frames : {1u, 15u, 16u, 1023u, 4608u, 4609u, 50'001u}) {
    auto stereo = noise(2 * frames, static_cast<unsigned>(frames));
    for (float& x : stereo) x = static_cast<float>(to_16_bit(x)) / 32768.0f;
    EXPECT_EQ(decode(encoded(GetParam(), stereo)).value(), stereo) << frames;
  }
}
INSTANTIATE_TEST_SUITE_P(formats, Lossless, ::testing::Values(Format::wav, Format::flac));

TEST(Mp3, keeps_the_length_to_the_sample_and_the_sound) {
  for (std::size_t frames : {1152u, 44100u, 100'003u}) {
    const auto stereo = sine(frames, 440, 44100);
    const auto again = decode(encoded(Format::mp3, stereo)).value();
    ASSERT_EQ(again.size(), stereo.size());
    EXPECT_GT(sdr(stereo, again), 30) << frames;
  }
}

TEST(Mp3, says_its_duration) {
  const MemoryFile file(encoded(Format::mp3, sine(5 * 44100, 440, 44100)));
  const auto info = probe(file.fd()).value();
  EXPECT_EQ(info.codec, "mp3");
  EXPECT_NEAR(*info.duration_seconds, 5, 0.06);
}

class Encoding : public ::testing::TestWithParam<Format> {};

TEST_P(Encoding, gives_the_same_bytes_for_the_same_samples) {
  const auto stereo = noise(2 * 30'000, 8);
  EXPECT_EQ(encoded(GetParam(), stereo, 2 * 1000), encoded(GetParam(), stereo, 2 * 777));
}

TEST_P(Encoding, says_when_the_disk_is_full) {
  const int full = ::open("/dev/full", O_RDWR | O_CLOEXEC);
  ASSERT_GE(full, 0);
  auto encoder = make_encoder(GetParam(), full, 100'000);
  const auto stereo = noise(2 * 100'000, 8);
  auto result = encoder->write(stereo);
  if (result) result = encoder->finish();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason(), Reason::storage_full);
  ::close(full);
}
INSTANTIATE_TEST_SUITE_P(formats, Encoding, ::testing::Values(Format::wav, Format::flac, Format::mp3));

TEST(Format, is_told_by_the_ending) {
  EXPECT_EQ(format_of("no_vocals.flac"), Format::flac);
  EXPECT_THROW(format_of("vocals.ogg"), std::invalid_argument);
}

}  // namespace
}  // namespace toll::engines::separation
