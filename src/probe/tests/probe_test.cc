#include "probe/probe.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/random.h"
#include "blob/folder_store.h"
#include "probe/kind.h"
#include "probe/recording.h"

namespace toll::probe {
namespace {

namespace fs = std::filesystem;

class Probe : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("toll-probe-" + SystemRandom().uuid4());
    fs::create_directories(folder_);
    store_ = blob::open_folder_store(folder_ / "data");
    catalogue_.add(make_engine());
    prober_ = make_prober([this] { return engine::make_local_runner(catalogue_); }, 1);
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(folder_);
  }

  // A second and a half of a tone, as ffmpeg's command line encodes it.
  std::string encoded(const std::string& extension, const std::string& options = "", const std::string& input = "") {
    const auto path = folder_ / ("made" + extension);
    const auto command = "ffmpeg -nostdin -y -v error -f lavfi -i sine=frequency=440:duration=1.5:sample_rate=44100 " +
                         input + " -metadata title='Été 1' " + options + " " + path.string();
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::unique_ptr<blob::Staged> stage(std::string_view bytes) {
    auto writer = store_->create().value();
    writer->write(as_span(bytes)).value();
    return writer->finish().value();
  }
  Result<Recording> measure(std::string_view bytes, std::chrono::seconds longest = std::chrono::hours(2)) {
    return prober_->measure(stage(bytes)->fd(), longest);
  }
  Reason refusal(std::string_view bytes, std::chrono::seconds longest = std::chrono::hours(2)) {
    auto answer = measure(bytes, longest);
    return answer ? Reason::internal : answer.error().reason();
  }

  fs::path folder_;
  std::unique_ptr<blob::Store> store_;
  engine::Catalogue catalogue_;
  std::unique_ptr<Prober> prober_;
};

TEST_F(Probe, tells_every_kind_by_its_content) {
  struct Case {
    std::string extension, options, content_type;
    int sample_rate;
    double off = 0.002;  // seconds that the duration may be wrong
  };
  for (const auto& c :
       {Case{".wav", "", "audio/wav", 44100}, Case{".aiff", "-write_id3v2 1", "audio/aiff", 44100},
        Case{".flac", "", "audio/flac", 44100}, Case{".mp3", "", "audio/mpeg", 44100, 0.06},
        Case{".ogg", "-c:a libvorbis", "audio/ogg", 44100},
        Case{".opus", "-c:a libopus", "audio/ogg; codecs=opus", 48000, 0.03},
        Case{".m4a", "-c:a aac", "audio/mp4", 44100, 0.06}, Case{".aac", "-c:a aac", "audio/aac", 44100, 0.1}}) {
    const auto recording = measure(encoded(c.extension, c.options));
    ASSERT_TRUE(recording) << c.extension << ": " << recording.error().describe();
    EXPECT_EQ(recording->content_type, c.content_type);
    EXPECT_EQ(extension_of(recording->content_type), c.extension);
    EXPECT_EQ(recording->sample_rate, c.sample_rate) << c.extension;
    EXPECT_EQ(recording->channels, 1) << c.extension;
    EXPECT_NEAR(static_cast<double>(recording->duration_ms()) / 1000, 1.5, c.off) << c.extension;
    if (c.extension != ".aac") {
      EXPECT_EQ(recording->title, "Été 1") << c.extension;
    }
  }
}

TEST_F(Probe, measures_a_wav_whose_header_does_not_know_its_length) {
  const auto whole = measure(encoded(".wav", "-f wav -fflags +bitexact -flags +bitexact -metadata title="));
  ASSERT_TRUE(whole);
  auto bytes = encoded(".wav", "-f wav -fflags +bitexact -metadata title=");
  const auto data = bytes.find("data");
  ASSERT_NE(data, bytes.npos);
  bytes.replace(data + 4, 4, "\xff\xff\xff\xff");
  bytes.replace(4, 4, "\xff\xff\xff\xff");
  const auto streamed = measure(bytes);
  ASSERT_TRUE(streamed) << streamed.error().describe();
  EXPECT_EQ(streamed->frames, whole->frames);
}

TEST_F(Probe, refuses_other_content_whatever_could_be_decoded_of_it) {
  EXPECT_EQ(refusal("this is no music, but a text of some length"), Reason::unsupported_file);
  EXPECT_EQ(refusal("\x89PNG\r\n\x1a\n0000000000"), Reason::unsupported_file);
  EXPECT_EQ(refusal(encoded(".mka", "-c:a flac")), Reason::unsupported_file);
  EXPECT_EQ(refusal(encoded(".oga", "-c:a flac")), Reason::unsupported_file);
  EXPECT_EQ(refusal(encoded(".mp4", "-shortest", "-f lavfi -i testsrc=size=64x64:rate=10:duration=1")),
            Reason::unsupported_file);
  EXPECT_EQ(refusal(encoded(".mp4", "-map 1:v -an", "-f lavfi -i testsrc=size=64x64:rate=10:duration=1")),
            Reason::unsupported_file);
}

TEST_F(Probe, refuses_what_is_empty_damaged_or_cut_off) {
  EXPECT_EQ(refusal(""), Reason::undecodable_audio);
  EXPECT_EQ(refusal(std::string("RIFF\x24\0\0\0WAVE", 12) + std::string(500, 'x')), Reason::undecodable_audio);
  // Not WAV: recorders that were cut off leave sound WAV files whose header promises more.
  for (const auto& extension : {".flac", ".m4a", ".aiff"}) {
    const auto bytes = encoded(extension);
    EXPECT_EQ(refusal(bytes.substr(0, bytes.size() / 2)), Reason::undecodable_audio) << extension;
  }
  auto bytes = encoded(".flac");
  for (std::size_t i = bytes.size() / 3; i < bytes.size(); i += 7) bytes[i] = static_cast<char>(bytes[i] ^ 0x5a);
  EXPECT_EQ(refusal(bytes), Reason::undecodable_audio);
}

TEST_F(Probe, refuses_what_lasts_too_long) {
  EXPECT_EQ(refusal(encoded(".flac"), std::chrono::seconds(1)), Reason::audio_too_long);
  EXPECT_TRUE(measure(encoded(".flac"), std::chrono::seconds(2)));
}

TEST_F(Probe, finds_audio_in_any_container) {
  EXPECT_TRUE(prober_->has_audio(stage(encoded(".mka", "-c:a flac"))->fd()));
  EXPECT_EQ(prober_->has_audio(stage("no audio here")->fd()).error().reason(), Reason::unsupported_file);
}

TEST(Recordings, come_back_from_what_was_written) {
  const Recording r{"audio/flac", "flac", 66150, 44100, 1, "T\"x"};
  const auto again = parse_recording(write_recording(r)).value();
  EXPECT_EQ(again.content_type + again.codec + *again.title, "audio/flacflacT\"x");
  EXPECT_EQ(again.duration_ms(), 1500);
  EXPECT_EQ(parse_recording("nonsense").error().reason(), Reason::internal);
}

}  // namespace
}  // namespace toll::probe
