// What the tests of this folder share: files without names, signals, sound files made byte by byte, and one call that
// runs the whole engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engines/separation/separation.h"

namespace toll::engines::separation::testing {

// An unnamed file in memory, closed at the end.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content = {});
  ~MemoryFile();
  MemoryFile(MemoryFile&&) noexcept;
  MemoryFile& operator=(MemoryFile&&) = delete;
  int fd() const { return fd_; }
  std::string content() const;
  std::int64_t size() const;
  void resize(std::int64_t bytes);  // grows with zeros that take no memory

 private:
  int fd_;
};

std::string bytes_of_file(const std::string& path);

// In -amplitude..amplitude; the same for the same seed.
std::vector<float> noise(std::size_t values, unsigned seed, float amplitude = 0.5f);
std::vector<float> sine(std::size_t frames, double hertz, double rate, std::size_t channels = 2,
                        float amplitude = 0.5f);

// A WAV file around interleaved samples: 16-bit integers or 32-bit floats. `claimed` bytes of data in the header.
struct WavOptions {
  int channels = 2;
  int rate = 44100;
  bool floats = false;
  std::int64_t claimed = -1;  // -1: what is there
};
std::string wav(std::span<const float> samples, const WavOptions& options = {});

// Everything that comes out of a decoder, interleaved stereo.
Result<std::vector<float>> decode(int fd, std::int64_t max_seconds = 43200, std::stop_token stop = {});
Result<std::vector<float>> decode(const std::string& content, std::int64_t max_seconds = 43200);

double largest_difference(std::span<const float> a, std::span<const float> b);

// One run of the engine "separation" on files in memory.
struct Run {
  Result<engine::Output> output = Reason::internal;
  std::vector<double> progress;
  std::map<std::string, MemoryFile> files;

  Answer answer() const { return parse_answer(output.value().answer).value(); }
  std::vector<float> decoded(const std::string& name) const { return decode(files.at(name).fd()).value(); }
};
Run separate(int input, const Plan& plan = {}, std::stop_token stop = {},
             const std::map<std::string, int>& replaced = {});  // outputs by name, or more inputs

// TOLL_SOURCE_DIR/sample
std::vector<float> sample_mix();
std::vector<float> sample_stem(const std::string& name);

}  // namespace toll::engines::separation::testing
