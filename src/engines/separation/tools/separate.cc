// separate FILE FOLDER [STEMS [MODEL.onnx...]]: runs the engine on a file, writes the outputs to FOLDER, and prints
// time, peak memory and, when STEMS is a folder with the true {bass,drums,other,vocals}.flac (or "-"), the SDR of each
// stem. With models, imported ones separate instead of the built-in method; as many as there are stems make one each,
// as those of htdemucs_ft do. For people who work on the methods.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "engines/htdemucs/model.h"
#include "engines/onnx/mapped_file.h"
#include "engines/separation/decode.h"
#include "engines/separation/measure.h"
#include "engines/separation/separation.h"
#include "engines/spleeter/model.h"

namespace toll::engines::separation {
namespace {

class Quiet final : public engine::Progress {
  void report(double) override {}
};

int open_or_exit(const std::filesystem::path& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (fd < 0) {
    std::perror(path.c_str());
    std::exit(1);
  }
  return fd;
}

std::vector<float> decode_all(const std::filesystem::path& path) {
  const int fd = open_or_exit(path, O_RDONLY);
  auto decoder = Decoder::open(fd, 43200, {}).value();
  std::vector<float> all, block(1 << 16);
  for (std::size_t got = block.size() / 2; 2 * got == block.size();) {
    got = decoder.read(block).value();
    all.insert(all.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(2 * got));
  }
  ::close(fd);
  return all;
}

Plan plan_of(const std::vector<int>& models) {
  Plan plan;
  if (models.empty()) return plan;
  plan.method = "htdemucs";
  plan.models.emplace();
  for (int fd : models) {
    const auto file = onnx::MappedFile::open(fd).value();
    plan.models->sha256.push_back(onnx::file_digest(file.bytes()));
    file.drop_pages();
    if (plan.models->sha256.size() > 1) continue;
    if (auto spleeter = spleeter::Model::open(file.bytes(), {})) {
      plan.method = "spleeter";
      plan.stems = spleeter->shape().sources;
      plan.two_stem = plan.stems.front();
    } else {
      plan.stems = htdemucs::Model::open(file.bytes(), {}).value().hyper().sources;
    }
    onnx::trim_model_memory();
  }
  if (models.size() == plan.stems.size())
    for (std::size_t i = 0; i < models.size(); ++i) plan.models->weights.emplace_back(models.size(), 0.0).at(i) = 1;
  return plan;
}

int main(const std::filesystem::path& file, const std::filesystem::path& folder, const std::filesystem::path& stems,
         const std::vector<int>& models) {
  const Plan plan = plan_of(models);
  std::filesystem::create_directories(folder);
  engine::Input input{write_plan(plan), {{std::string(input_name), open_or_exit(file, O_RDONLY)}}, {}, {}};
  for (std::size_t i = 0; i < models.size(); ++i) input.inputs["model." + std::to_string(i)] = models[i];
  for (const auto& name : output_files(plan))
    input.outputs[name] = open_or_exit(folder / name, O_RDWR | O_CREAT | O_TRUNC);
  for (std::size_t i = 0; i < scratch_files(plan); ++i)
    input.scratch.push_back(open_or_exit(folder, O_RDWR | O_TMPFILE));

  Quiet progress;
  const auto begin = std::chrono::steady_clock::now();
  const auto output = make_separation_engine()->run(input, progress, {});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (!output) {
    std::fprintf(stderr, "%s\n", output.error().describe().c_str());
    return 1;
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double cpu = static_cast<double>(usage.ru_utime.tv_sec) + static_cast<double>(usage.ru_utime.tv_usec) * 1e-6;
  std::printf("%s\n%.2f s, CPU %.2f s, peak memory %ld MiB\n", output->answer.c_str(), took.count(), cpu,
              usage.ru_maxrss / 1024);
  if (stems.empty() || stems == "-") return 0;
  const auto mix = decode_all(file);
  std::printf("stem     SDR dB   mixture   gain\n");
  for (const auto& stem : output_stems(plan)) {
    if (!std::filesystem::exists(stems / (stem + ".flac"))) continue;  // as of what Spleeter calls the accompaniment
    const auto truth = decode_all(stems / (stem + ".flac"));
    const double own = sdr(truth, decode_all(folder / (stem + ".wav"))), mixture = sdr(truth, mix);
    std::printf("%-8s %6.2f   %7.2f  %+5.2f\n", stem.c_str(), own, mixture, own - mixture);
  }
  return 0;
}

}  // namespace
}  // namespace toll::engines::separation

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: separate FILE FOLDER [STEMS [MODEL.onnx...]]\n");
    return 2;
  }
  std::vector<int> models;
  for (int i = 4; i < argc; ++i) models.push_back(toll::engines::separation::open_or_exit(argv[i], O_RDONLY));
  return toll::engines::separation::main(argv[1], argv[2], argc > 3 ? argv[3] : "", models);
}
