#include "engines/separation/decode.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "engines/separation/encode.h"
#include "engines/separation/measure.h"
#include "engines/separation/tests/support.h"

namespace toll::engines::separation {
namespace {
using namespace testing;

std::vector<float> sixteen_bit_noise(std::size_t values, unsigned seed) {
  auto out = noise(values, seed);
  for (float& x : out) x = static_cast<float>(to_16_bit(x)) / 32768.0f;
  return out;
}

// What the ffmpeg command makes of `arguments`, as the bytes of one file.
std::string made_by_ffmpeg(const std::string& arguments, const std::string& ending) {
  const auto path =
      std::filesystem::temp_directory_path() / ("toll-decode-" + std::to_string(::getpid()) + "." + ending);
  const std::string command = "timeout 60 ffmpeg -nostdin -v error -y " + arguments + " " + path.string();
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  auto bytes = bytes_of_file(path);
  std::filesystem::remove(path);
  return bytes;
}

void expect_undecodable(const std::string& content, const std::string& what) {
  const auto decoded = decode(content);
  ASSERT_FALSE(decoded) << what;
  EXPECT_EQ(decoded.error().reason(), Reason::undecodable_audio) << what;
  const MemoryFile file(content);
  const auto probed = probe(file.fd());
  ASSERT_FALSE(probed) << what;
  EXPECT_EQ(probed.error().reason(), Reason::undecodable_audio) << what;
}

TEST(Decoder, gives_stereo_at_44100_Hz_as_it_is) {
  for (std::size_t frames : {1u, 1023u, 44100u, 100'001u}) {
    const auto stereo = sixteen_bit_noise(2 * frames, static_cast<unsigned>(frames));
    EXPECT_EQ(decode(wav(stereo)).value(), stereo) << frames;
  }
}

TEST(Decoder, doubles_mono) {
  const auto mono = sixteen_bit_noise(5000, 1);
  const auto stereo = decode(wav(mono, {.channels = 1})).value();
  ASSERT_EQ(stereo.size(), 2 * mono.size());
  for (std::size_t i = 0; i < mono.size(); ++i) {
    ASSERT_EQ(stereo[2 * i], mono[i]);
    ASSERT_EQ(stereo[2 * i + 1], mono[i]);
  }
}

TEST(Decoder, mixes_surround_down_without_clipping) {
  // Order of WAV: left, right, centre, low frequency, back left, back right. One speaker at a time, and all at once.
  const auto level = [](std::size_t speaker) {
    std::vector<float> six(6 * 4410);
    for (std::size_t i = 0; i < six.size(); ++i) six[i] = speaker == 6 || i % 6 == speaker ? 0.99f : 0;
    const auto stereo = decode(wav(six, {.channels = 6})).value();
    EXPECT_EQ(stereo.size(), 2u * 4410);
    return std::pair(stereo[2000], stereo[2001]);
  };
  EXPECT_GT(level(0).first, 0.3f);
  EXPECT_EQ(level(0).second, 0);
  EXPECT_NEAR(level(2).first / level(0).first, std::sqrt(0.5), 1e-3);  // the centre goes to both sides, 3 dB lower
  EXPECT_EQ(level(2).first, level(2).second);
  EXPECT_GT(level(5).second, 0.2f);
  EXPECT_LE(level(6).first, 1.0f);
}

TEST(Decoder, takes_more_channels_than_have_names) {
  const auto many = sixteen_bit_noise(20 * 1000, 3);
  const auto stereo = decode(wav(many, {.channels = 20})).value();
  ASSERT_EQ(stereo.size(), 2000u);
  EXPECT_NEAR(stereo[100] / many[50 * 20], stereo[101] / many[50 * 20 + 1], 1e-3);
}

class Rates : public ::testing::TestWithParam<int> {};

TEST_P(Rates, become_44100_Hz_with_the_same_length_and_pitch) {
  const int rate = GetParam();
  const auto input = sine(static_cast<std::size_t>(2 * rate), 440, rate);
  const auto stereo = decode(wav(input, {.rate = rate})).value();
  EXPECT_NEAR(static_cast<double>(stereo.size()) / 2, 88200, 2);
  auto wanted = sine(stereo.size() / 2, 440, 44100);
  // The ends hold the filter's onset; what is between must be the same sine.
  const std::size_t margin = 2 * 4410;
  EXPECT_GT(sdr(std::span(wanted).subspan(margin, wanted.size() - 2 * margin),
                std::span<const float>(stereo).subspan(margin, wanted.size() - 2 * margin)),
            50);
}
INSTANTIATE_TEST_SUITE_P(hertz, Rates, ::testing::Values(8000, 11025, 22050, 48000, 96000, 192000));

TEST(Decoder, makes_numbers_of_NaN_and_infinity) {
  auto samples = noise(2 * 1000, 5);
  samples[10] = std::numeric_limits<float>::quiet_NaN();
  samples[21] = std::numeric_limits<float>::infinity();
  samples[30] = -3e38f;
  const auto stereo = decode(wav(samples, {.floats = true})).value();
  EXPECT_EQ(stereo[10], 0);
  EXPECT_EQ(stereo[21], 16);
  EXPECT_EQ(stereo[30], -16);
  EXPECT_EQ(stereo[40], samples[40]);
  const auto resampled = decode(wav(samples, {.rate = 48000, .floats = true})).value();
  for (float x : resampled) ASSERT_TRUE(std::isfinite(x));
}

TEST(Decoder, refuses_what_is_no_audio) {
  expect_undecodable("", "0 bytes");
  expect_undecodable("This is a text file that somebody named bad.mp3.\n", "text");
  expect_undecodable(std::string(100'000, '\0'), "zeros");
  expect_undecodable(wav({}).substr(0, 10), "10 bytes of a WAV");
  expect_undecodable(wav({}, {.claimed = 0xFFFFFFF0}), "a header that claims 4 GiB and has nothing");
  expect_undecodable(wav({}), "a WAV without samples");
  expect_undecodable(wav(noise(2000, 1), {.rate = 3}), "a rate of 3 Hz");
  for (unsigned seed = 0; seed < 20; ++seed) {
    const auto values = noise(5000, seed);
    const std::string random(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    if (const auto decoded = decode(random); !decoded) {
      EXPECT_EQ(decoded.error().reason(), Reason::undecodable_audio) << seed;
    }
  }
}

TEST(Decoder, opens_nothing_that_a_file_points_to) {
  const auto target = std::filesystem::temp_directory_path() / ("toll-target-" + std::to_string(::getpid()) + ".wav");
  {
    const auto bytes = wav(noise(2 * 44100, 2));
    std::FILE* file = std::fopen(target.c_str(), "wb");
    std::fwrite(bytes.data(), 1, bytes.size(), file);
    std::fclose(file);
  }
  const auto name = target.string();
  expect_undecodable("ffconcat version 1.0\nfile '" + name + "'\n", "concat");
  expect_undecodable("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://" + name + "\n#EXT-X-ENDLIST\n",
                     "playlist");
  expect_undecodable("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n",
                     "session description");
  std::filesystem::remove(target);
}

TEST(Decoder, takes_what_is_left_of_a_truncated_file) {
  const auto stereo = sixteen_bit_noise(2 * 50'000, 6);
  const auto whole = wav(stereo);
  const auto half = decode(whole.substr(0, 44 + 4 * 25'000 + 1)).value();
  EXPECT_EQ(half, std::vector<float>(stereo.begin(), stereo.begin() + 2 * 25'000));
  for (Format format : {Format::flac, Format::mp3}) {
    MemoryFile file;
    auto encoder = make_encoder(format, file.fd(), 50'000);
    encoder->write(stereo).value();
    encoder->finish().value();
    const auto bytes = file.content();
    const auto part = decode(bytes.substr(0, bytes.size() / 2)).value();
    EXPECT_GT(part.size(), 2u * 15'000);
    EXPECT_LT(part.size(), 2u * 35'000);
  }
}

TEST(Decoder, goes_on_after_damage) {
  MemoryFile file;
  auto encoder = make_encoder(Format::mp3, file.fd(), 441'000);
  encoder->write(sine(441'000, 440, 44100)).value();
  encoder->finish().value();
  auto bytes = file.content();
  for (std::size_t at = bytes.size() / 3; at < bytes.size() / 3 + 20'000; ++at) bytes[at] = static_cast<char>(at * 37);
  EXPECT_GT(decode(bytes).value().size(), 2u * 400'000);
}

TEST(Decoder, refuses_what_is_longer_than_allowed) {
  const auto three_seconds = wav(noise(2 * 3 * 44100, 1));
  EXPECT_TRUE(decode(three_seconds, 3));
  const auto refused = decode(three_seconds, 2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::audio_too_long);
  EXPECT_EQ(refused.error().argument("limit"), "2");
}

TEST(Decoder, stops_when_asked) {
  std::stop_source stop;
  stop.request_stop();
  const MemoryFile file(wav(noise(2 * 44100, 1)));
  EXPECT_EQ(decode(file.fd(), 100, stop.get_token()).error().reason(), Reason::cancelled);
}

TEST(Decoder, leaves_the_offset_of_the_descriptor_alone) {
  const MemoryFile file(wav(noise(2000, 1)));
  ASSERT_EQ(::lseek(file.fd(), 17, SEEK_SET), 17);
  decode(file.fd()).value();
  EXPECT_EQ(::lseek(file.fd(), 0, SEEK_CUR), 17);
}

TEST(Decoder, takes_the_audio_out_of_a_video) {
  const std::string picture = "-f lavfi -i testsrc=duration=2:size=64x64:rate=5 ";
  const std::string tone = "-f lavfi -i sine=frequency=440:duration=2:sample_rate=44100 ";
  const auto with_audio = made_by_ffmpeg(picture + tone + "-c:v mpeg4 -c:a aac -ac 2", "mp4");
  EXPECT_NEAR(static_cast<double>(decode(with_audio).value().size()) / 2, 88200, 2100);
  expect_undecodable(made_by_ffmpeg(picture + "-c:v mpeg4", "mp4"), "a video without audio");
  expect_undecodable(made_by_ffmpeg("-f lavfi -i testsrc=size=64x64 -frames:v 1", "png"), "a picture");
}

TEST(Decoder, reads_the_formats_that_people_upload) {
  for (const char* ending : {"mp3", "wav", "flac", "ogg",  "m4a", "aac", "opus", "wma", "aif", "caf", "wv", "ac3",
                             "mka", "mkv", "mov",  "webm", "avi", "mp4", "ts",   "3gp", "au",  "w64", "tta"}) {
    const std::string name = ending;
    const std::string extra = name == "webm" ? "-c:a libopus" : name == "3gp" ? "-c:a aac" : "";
    const auto bytes =
        made_by_ffmpeg("-f lavfi -i sine=frequency=440:duration=1:sample_rate=48000 -ac 2 " + extra, name);
    const auto stereo = decode(bytes);
    ASSERT_TRUE(stereo) << name << ": " << stereo.error().describe();
    EXPECT_NEAR(static_cast<double>(stereo->size()) / 2, 44100, 4200) << name;
  }
}

TEST(Probe, tells_what_a_file_is) {
  const MemoryFile file(wav(noise(8000, 1), {.channels = 1, .rate = 8000}));
  const auto info = probe(file.fd()).value();
  EXPECT_EQ(info.container, "wav");
  EXPECT_EQ(info.codec, "pcm_s16le");
  EXPECT_EQ(info.channels, 1);
  EXPECT_EQ(info.sample_rate, 8000);
  EXPECT_NEAR(*info.duration_seconds, 1, 1e-6);
}

}  // namespace
}  // namespace toll::engines::separation
