// The parts of the demonstration that need no server.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "http/multipart.h"
#include "tollhouse/commands/api_client.h"
#include "tollhouse/commands/wav.h"
#include "tollhouse/console.h"

namespace toll::app {
namespace {

std::string little(std::uint32_t value, int width) {
  std::string out;
  for (int i = 0; i < width; ++i) out += static_cast<char>(value >> 8 * i & 255);
  return out;
}

// Stereo, 16 bit, 8 kHz, with a chunk that readers skip.
std::string wav(const std::vector<std::int16_t>& samples, std::uint32_t claimed_extra = 0) {
  std::string data;
  for (auto sample : samples) data += little(static_cast<std::uint16_t>(sample), 2);
  std::string format = little(1, 2) + little(2, 2) + little(8000, 4) + little(32000, 4) + little(4, 2) + little(16, 2);
  std::string body = "WAVEfmt " + little(16, 4) + format + "LIST" + little(3, 4) + "abc" + std::string(1, '\0') +
                     "data" + little(static_cast<std::uint32_t>(data.size()) + claimed_extra, 4) + data;
  return "RIFF" + little(static_cast<std::uint32_t>(body.size()), 4) + body;
}

TEST(Wav, tells_length_and_peak) {
  std::vector<std::int16_t> samples(8000, 0);
  samples[17] = -16384;
  auto audio = read_wav(wav(samples));
  ASSERT_TRUE(audio);
  EXPECT_DOUBLE_EQ(audio->seconds, 0.5);
  EXPECT_DOUBLE_EQ(audio->peak, 0.5);
}

TEST(Wav, refuses_what_is_cut_off_or_something_else) {
  auto whole = wav(std::vector<std::int16_t>(100, 1));
  EXPECT_TRUE(read_wav(whole));
  EXPECT_FALSE(read_wav(whole.substr(0, whole.size() - 1)));
  EXPECT_FALSE(read_wav(wav({1, 2}, 1000)));
  EXPECT_FALSE(read_wav(""));
  EXPECT_FALSE(read_wav("RIFFxxxxWAVE"));
  EXPECT_FALSE(read_wav("fLaC and more of it, but no WAV at all"));
}

TEST(Flac, tells_its_length_from_the_stream_info) {
  std::ifstream file(TOLL_SOURCE_DIR "/sample/song.flac", std::ios::binary);
  std::stringstream song;
  song << file.rdbuf();
  auto seconds = seconds_of(song.str());
  ASSERT_TRUE(seconds);
  EXPECT_GT(*seconds, 20);
  EXPECT_LT(*seconds, 30);
  EXPECT_FALSE(seconds_of("fLaC"));
}

TEST(MultipartBody, is_read_back_by_the_servers_own_parser) {
  std::string content = "one\r\n--two\r\n\0three";
  content += '\0';
  auto body = multipart_body("edge", {{"model", "htdemucs"}}, {"file", "a \"b\".wav", content});
  http::MultipartParser parser("edge");
  auto events = parser.feed(body);
  ASSERT_TRUE(events);
  std::string names, data;
  for (const auto& event : *events) {
    if (event.kind == http::MultipartParser::Event::part_begin)
      names += event.head.name + "=" + event.head.filename.value_or("-") + ";";
    if (event.kind == http::MultipartParser::Event::part_data) data += event.data;
  }
  EXPECT_TRUE(parser.finish());
  EXPECT_EQ(names, "model=-;file=a \"b\".wav;");
  EXPECT_EQ(data, "htdemucs" + content);
}

TEST(Answer, shows_the_servers_own_words) {
  EXPECT_EQ((Answer{402, R"({"detail":"No credits"})"}.detail()), "the server answered 402: No credits");
  EXPECT_EQ((Answer{422, R"({"detail":[{"type":"missing"}]})"}.detail()),
            R"(the server answered 422: [{"type":"missing"}])");
  EXPECT_EQ((Answer{502, "<html>"}.detail()), "the server answered 502");
}

TEST(Console, aligns_columns_and_draws_progress_on_terminals_only) {
  EXPECT_EQ(as_columns({{"A", "B"}, {"größer", "x"}, {"", "y"}}), "A       B\ngrößer  x\n        y\n");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(5'300'000), "5.3 MB");
  std::ostringstream out, err;
  Console quiet{out, err};
  ProgressBar(quiet, "Working").show(0.5);
  EXPECT_EQ(err.str(), "");
  Console terminal{out, err, Format::human, true};
  ProgressBar(terminal, "Working").show(0.5);
  EXPECT_NE(err.str().find("Working [###############...............]  50%"), std::string::npos);
}

}  // namespace
}  // namespace toll::app
