#include "engines/separation/tests/support.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <numbers>
#include <random>
#include <stdexcept>

#include "engines/av/files.h"
#include "engines/separation/decode.h"
#include "engines/separation/encode.h"

namespace toll::engines::separation::testing {
namespace {

class Recorder final : public engine::Progress {
 public:
  explicit Recorder(std::vector<double>& fractions) : fractions_(fractions) {}
  void report(double fraction) override { fractions_.push_back(fraction); }

 private:
  std::vector<double>& fractions_;
};

template <class T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string sample_file(const std::string& name) {
  return TOLL_SOURCE_DIR "/sample/" + name;
}

}  // namespace

MemoryFile::MemoryFile(std::string_view content) : fd_(::memfd_create("test", MFD_CLOEXEC)) {
  if (fd_ < 0) throw std::runtime_error("memfd_create");
  av::write_at(fd_, 0, std::as_bytes(std::span(content))).value();
}
MemoryFile::~MemoryFile() {
  if (fd_ >= 0) ::close(fd_);
}
MemoryFile::MemoryFile(MemoryFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
std::int64_t MemoryFile::size() const {
  return av::size_of(fd_);
}
void MemoryFile::resize(std::int64_t bytes) {
  if (::ftruncate(fd_, bytes) != 0) throw std::runtime_error("ftruncate");
}
std::string MemoryFile::content() const {
  std::string out(static_cast<std::size_t>(size()), '\0');
  av::read_at(fd_, 0, std::as_writable_bytes(std::span(out)));
  return out;
}

std::string bytes_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<float> noise(std::size_t values, unsigned seed, float amplitude) {
  std::mt19937 engine(seed);
  std::vector<float> out(values);
  for (float& x : out) x = amplitude * (static_cast<float>(engine()) / 2147483648.0f - 1);
  return out;
}

std::vector<float> sine(std::size_t frames, double hertz, double rate, std::size_t channels, float amplitude) {
  std::vector<float> out(frames * channels);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = amplitude *
             static_cast<float>(std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i / channels) / rate));
  return out;
}

std::string wav(std::span<const float> samples, const WavOptions& options) {
  const int width = options.floats ? 4 : 2;
  const auto data = options.claimed >= 0 ? options.claimed : static_cast<std::int64_t>(samples.size()) * width;
  std::string out = "RIFF";
  append(out, static_cast<std::uint32_t>(36 + data));
  out += "WAVEfmt ";
  append(out, std::uint32_t{16});
  append(out, static_cast<std::uint16_t>(options.floats ? 3 : 1));
  append(out, static_cast<std::uint16_t>(options.channels));
  append(out, static_cast<std::uint32_t>(options.rate));
  append(out, static_cast<std::uint32_t>(options.rate * options.channels * width));
  append(out, static_cast<std::uint16_t>(options.channels * width));
  append(out, static_cast<std::uint16_t>(8 * width));
  out += "data";
  append(out, static_cast<std::uint32_t>(data));
  for (float x : samples) {
    if (options.floats)
      append(out, x);
    else
      append(out, to_16_bit(x));
  }
  return out;
}

Result<std::vector<float>> decode(int fd, std::int64_t max_seconds, std::stop_token stop) {
  auto decoder = TOLL_TRY(Decoder::open(fd, max_seconds, std::move(stop)));
  std::vector<float> all, block(2 * 4099);
  for (std::size_t got = block.size() / 2; 2 * got == block.size();) {
    got = TOLL_TRY(decoder.read(block));
    all.insert(all.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(2 * got));
  }
  return all;
}

Result<std::vector<float>> decode(const std::string& content, std::int64_t max_seconds) {
  return decode(MemoryFile(content).fd(), max_seconds);
}

double largest_difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(d <= largest)) largest = d;  // NaN counts
  }
  return largest;
}

Run separate(int input, const Plan& plan, std::stop_token stop, const std::map<std::string, int>& replaced) {
  Run run;
  engine::Input in{write_plan(plan), {{std::string(input_name), input}}, {}, {}};
  for (const auto& name : output_files(plan))
    in.outputs[name] = run.files.emplace(name, MemoryFile()).first->second.fd();
  for (const auto& [name, fd] : replaced) (in.outputs.contains(name) ? in.outputs : in.inputs)[name] = fd;
  std::vector<MemoryFile> scratch(scratch_files(plan));
  for (const auto& file : scratch) in.scratch.push_back(file.fd());
  Recorder recorder(run.progress);
  run.output = make_separation_engine()->run(in, recorder, std::move(stop));
  return run;
}

std::vector<float> sample_mix() {
  return decode(bytes_of_file(sample_file("song.flac"))).value();
}
std::vector<float> sample_stem(const std::string& name) {
  return decode(bytes_of_file(sample_file("stems/" + name + ".flac"))).value();
}

}  // namespace toll::engines::separation::testing
