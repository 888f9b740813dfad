// The engine by hand, for the parity tests: files of raw little-endian floats in and out.
//   spleeter import PACKAGE MODEL.onnx [BINS]
//   spleeter separate IN.f32 OUT.f32 average|zeros MODEL.onnx      IN: 2 x frames. OUT: sources x 2 x frames.
//   spleeter parts MODEL.onnx MAGNITUDE.f32 FOLDER                 writes FOLDER/<source>.f32
// Prints what it did as JSON.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include "engines/onnx/mapped_file.h"
#include "engines/onnx/runtime.h"
#include "engines/spleeter/import.h"
#include "engines/spleeter/package.h"
#include "engines/spleeter/separator.h"

namespace {

using namespace toll;
using namespace toll::engines;
using namespace toll::engines::spleeter;
using Clock = std::chrono::steady_clock;

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().describe());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

double cpu_seconds(const rusage& usage) {
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

onnx::MappedFile map(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw std::runtime_error("cannot open " + path);
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

onnx::SessionOptions session_options() {
  must(onnx::load_runtime());
  onnx::SessionOptions options;
  if (const char* threads = std::getenv("THREADS")) options.threads = static_cast<unsigned>(std::atoi(threads));
  if (const char* profile = std::getenv("PROFILE")) options.profile = profile;
  return options;
}

int import(const std::string& in, const std::string& out, const std::string& bins) {
  const auto files = must(read_package(in));
  const auto checkpoint = must(read_checkpoint(files.index, files.data));
  const int fd = ::open(out.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) throw std::runtime_error("cannot write " + out);
  NetworkOptions options;
  if (!bins.empty()) options.shape.bins = std::stoll(bins);
  must(write_network(checkpoint, options, fd));
  ::close(fd);
  std::cout << write_shape(options.shape) << "\n";
  return 0;
}

int separate(char** argv) {
  const auto begin = Clock::now();
  const auto song = read_floats(argv[2]);
  const SeparatorOptions options{std::string(argv[4]) == "zeros" ? SeparatorOptions::Extension::zeros
                                                                 : SeparatorOptions::Extension::average};
  const auto file = map(argv[5]);
  auto model = must(Model::open(file.bytes(), session_options()));
  const auto frames = song.size() / 2;
  std::vector<float> out(model.shape().sources.size() * song.size());
  std::size_t next = 0;
  must(separate_song(
      model, options,
      [&](std::span<float> into) -> Result<std::size_t> {
        const auto count = std::min(into.size() / 2, frames - next);
        for (std::size_t i = 0; i < 2 * count; ++i) into[i] = song[i % 2 * frames + next + i / 2];
        next += count;
        return count;
      },
      [&](std::int64_t at, const std::vector<std::vector<float>>& stems) -> Result<void> {
        for (std::size_t s = 0; s < stems.size(); ++s)
          for (std::size_t i = 0; i < stems[s].size(); ++i)
            out[s * song.size() + i % 2 * frames + static_cast<std::size_t>(at) + i / 2] = stems[s][i];
        return {};
      },
      {}));
  write_floats(argv[3], out);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::cout << "{\"seconds\":" << std::chrono::duration<double>(Clock::now() - begin).count()
            << ",\"cpu_seconds\":" << cpu_seconds(usage) << ",\"peak_mib\":" << usage.ru_maxrss / 1024
            << ",\"peak_model_mib\":" << (onnx::peak_model_memory() >> 20) << "}\n";
  return 0;
}

int parts(char** argv) {
  const auto file = map(argv[2]);
  auto model = must(Model::open(file.bytes(), session_options()));
  for (const auto& tensor : must(model.parts(read_floats(argv[3]), {})))
    write_floats(std::string(argv[4]) + "/" + tensor.name() + ".f32", tensor.floats());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string command = argc > 1 ? argv[1] : "";
    if (command == "import" && argc >= 4) return import(argv[2], argv[3], argc > 4 ? argv[4] : "");
    if (command == "separate" && argc == 6) return separate(argv);
    if (command == "parts" && argc == 5) return parts(argv);
    std::cerr << "see the head of tools/spleeter.cc\n";
    return 2;
  } catch (const std::exception& e) {
    std::cerr << "error: " << e.what() << "\n";
    return 1;
  }
}
