// The engine by hand, for the parity tests and the benchmark: files of raw little-endian floats in and out.
//   htdemucs import CHECKPOINT MODEL.onnx [layers|portable|layers-portable|-] [SEGMENT]      SEGMENT: of a bag, seconds
//   htdemucs separate IN.f32 OUT.f32 OVERLAP SHIFTS WEIGHTS MODEL.onnx...   IN: 2 x frames. OUT: sources x 2 x frames.
//                                   SHIFTS: "-" or numbers with commas. WEIGHTS: "-" or rows as "1,0;0,1"
//   htdemucs layers MODEL.onnx SPECTRUM.f32 WAVE.f32 FOLDER                  writes FOLDER/<output>.f32
// Prints what it did as JSON. Environment: THREADS, SPIN=0|1, PROFILE=file prefix, PRECISION=float32|fixed16, and
// KERNELS, the name of a kind of processor (kernels/table.h) that is not better than this one.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "engines/htdemucs/kernels/table.h"
#include "engines/htdemucs/network.h"
#include "engines/htdemucs/operators.h"
#include "engines/htdemucs/separator.h"
#include "engines/htdemucs/turns.h"
#include "engines/onnx/mapped_file.h"

namespace {

using namespace toll;
using namespace toll::engines;
using namespace toll::engines::htdemucs;
using Clock = std::chrono::steady_clock;

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().describe());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

double seconds_since(Clock::time_point then) {
  return std::chrono::duration<double>(Clock::now() - then).count();
}

double cpu_seconds(const rusage& usage) {
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int open_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw std::runtime_error("cannot open " + path);
  return fd;
}

onnx::MappedFile map(const std::string& path) {
  const int fd = open_file(path);
  auto file = onnx::MappedFile::open(fd);
  ::close(fd);
  return must(std::move(file));
}

std::vector<float> read_floats(const std::string& path) {
  const auto file = map(path);
  std::vector<float> values(file.bytes().size() / sizeof(float));
  std::memcpy(values.data(), file.bytes().data(), values.size() * sizeof(float));
  return values;
}

void write_floats(const std::string& path, std::span<const float> values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
}

std::vector<double> numbers(const std::string& text) {
  std::vector<double> out;
  std::istringstream in(text);
  for (std::string one; std::getline(in, one, ',');) out.push_back(std::stod(one));
  return out;
}

onnx::SessionOptions session_options() {
  onnx::SessionOptions options;
  if (const char* threads = std::getenv("THREADS")) options.threads = static_cast<unsigned>(std::atoi(threads));
  if (const char* spin = std::getenv("SPIN")) options.spin = *spin == '1';
  if (const char* profile = std::getenv("PROFILE")) options.profile = profile;
  return options;
}

Precision precision() {
  const char* wanted = std::getenv("PRECISION");
  return wanted && std::string(wanted) == "float32" ? Precision::float32 : Precision::fixed16;
}

void choose_kernels() {
  const char* wanted = std::getenv("KERNELS");
  if (!wanted) return;
  for (const auto* table : kernels::usable())
    if (std::string(wanted) == table->name) return kernels::use(*table);
  throw std::runtime_error(std::string("this processor has no kernels ") + wanted);
}

int import(const std::string& in, const std::string& out, const std::string& how, double segment) {
  const auto file = map(in);
  auto checkpoint = must(read_checkpoint(file.bytes()));
  if (segment > 0) must(shorten(checkpoint.hyper, segment));
  const int fd = ::open(out.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) throw std::runtime_error("cannot write " + out);
  must(write_network(checkpoint, {.expose_layers = how.starts_with("layers"), .portable = how.ends_with("portable")},
                     fd));
  ::close(fd);
  std::cout << write_hyperparameters(checkpoint.hyper) << "\n";
  return 0;
}

int separate(int argc, char** argv) {
  const auto begin = Clock::now();
  const auto song = read_floats(argv[2]);
  SeparatorOptions options{.overlap = std::stod(argv[4])};
  if (std::string(argv[5]) != "-")
    for (double shift : numbers(argv[5])) options.shifts.push_back(static_cast<int>(shift));
  std::vector<Turns::File> files;
  for (int i = 7; i < argc; ++i) files.push_back({open_file(argv[i]), {}});
  Turns turns(files, session_options(), precision());
  const auto sources = must(turns.take(0))->hyper().sources.size();
  Ensemble bag{[&](std::size_t number) { return turns.take(number); }, {}};
  std::istringstream rows(argv[6]);
  for (std::string row; std::string(argv[6]) != "-" && std::getline(rows, row, ';');)
    bag.weights.push_back(numbers(row));
  bag.weights.resize(files.size(), std::vector<double>(sources, 1.0));
  const double loaded = seconds_since(begin);
  const auto frames = song.size() / 2;
  Loudness loudness;
  std::vector<float> stereo(song.size());
  for (std::size_t i = 0; i < frames; ++i) stereo[2 * i] = song[i], stereo[2 * i + 1] = song[frames + i];
  loudness.add(stereo);
  std::vector<float> out(sources * song.size());
  double first = 0;
  must(separate_song(
      bag, options, static_cast<std::int64_t>(frames), loudness,
      [&](std::int64_t at, std::span<float> into) -> Result<void> {
        std::copy_n(stereo.begin() + 2 * at, into.size(), into.begin());
        return {};
      },
      [&](std::int64_t at, const std::vector<std::vector<float>>& stems) -> Result<void> {
        if (first == 0) first = seconds_since(begin);
        for (std::size_t s = 0; s < stems.size(); ++s)
          for (std::size_t i = 0; i < stems[s].size(); ++i)
            out[s * song.size() + i % 2 * frames + static_cast<std::size_t>(at) + i / 2] = stems[s][i];
        return {};
      },
      [](std::int64_t, std::int64_t) {}, {}));
  write_floats(argv[3], out);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::cout << "{\"load_seconds\":" << loaded << ",\"first_output_seconds\":" << first
            << ",\"seconds\":" << seconds_since(begin) << ",\"cpu_seconds\":" << cpu_seconds(usage)
            << ",\"peak_mib\":" << usage.ru_maxrss / 1024 << ",\"peak_model_mib\":" << (onnx::peak_model_memory() >> 20)
            << "}\n";
  return 0;
}

int layers(char** argv) {
  const auto file = map(argv[2]);
  auto options = session_options();
  options.operators = operators(precision());
  auto session = must(onnx::Session::open(file.bytes(), options));
  const auto spectrum = read_floats(argv[3]), wave = read_floats(argv[4]);
  const auto& inputs = session.schema().inputs;
  const auto made = must(session.run({{"spectrum", inputs[0].shape, std::as_bytes(std::span(spectrum))},
                                      {"wave", inputs[1].shape, std::as_bytes(std::span(wave))}},
                                     {}, {}));
  for (const auto& tensor : made) write_floats(std::string(argv[5]) + "/" + tensor.name() + ".f32", tensor.floats());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    choose_kernels();
    const std::string command = argc > 1 ? argv[1] : "";
    if (command == "import" && argc >= 4)
      return import(argv[2], argv[3], argc > 4 ? argv[4] : "-", argc > 5 ? std::stod(argv[5]) : 0);
    if (command == "separate" && argc >= 8) return separate(argc, argv);
    if (command == "layers" && argc == 6) return layers(argv);
    std::cerr << "see the head of tools/htdemucs.cc\n";
    return 2;
  } catch (const std::exception& e) {
    std::cerr << "error: " << e.what() << "\n";
    return 1;
  }
}
