// Runs the engine over one file, in this process and without a sandbox: examine FILE MODEL_TYPE [OUTPUT_FOLDER]
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>

#include "engines/forensics/face_detector.h"
#include "engines/forensics/plan.h"

namespace {

using namespace toll::engines::forensics;

class Quiet final : public toll::engine::Progress {
  void report(double) override {}
};

double cpu_seconds() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + time.tv_usec / 1e6; };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

long peak_mib() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  return use.ru_maxrss / 1024;
}

Plan plan_of(ModelType type, const std::string& kind) {
  Plan plan{.model_type = type, .kind = kind == "video" ? MediaKind::video : MediaKind::image};
  plan.limits.max_seconds = 86'400;
  plan.limits.max_frames = 10'000'000;
  plan.limits.max_total_pixels = INT64_MAX;
  plan.checks.liveness = type == ModelType::fi1;
  plan.checks.faceswap = type == ModelType::fi1 && plan.kind == MediaKind::video;
  return plan;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string wanted = count > 2 ? arguments[2] : "";
  const auto type = model_type_of(wanted.substr(0, wanted.find(':')));
  if (!type) {
    std::fprintf(stderr, "usage: examine FILE DF-1|AC-1|FD-1|FE-1|FI-1|FI-1:video [OUTPUT_FOLDER]\n");
    return 2;
  }
  const std::filesystem::path folder = count > 3 ? arguments[3] : "";
  const auto plan = plan_of(*type, *type == ModelType::df1 || wanted.ends_with(":video") ? "video" : "image");
  auto engine = make_forensics_engine();
  // The tools lie three folders below the program.
  load_face_model(std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../../..");
  engine->before_sandbox();
  toll::engine::Input input{.params = write_plan(plan)};
  input.inputs["media"] = ::open(arguments[1], O_RDONLY | O_CLOEXEC);
  for (const auto& name : output_files(plan))
    input.outputs[name] = folder.empty()
                              ? ::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)
                              : ::open((folder / name).c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  Quiet progress;
  const auto begin = std::chrono::steady_clock::now();
  const auto output = engine->run(input, progress, {});
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  std::printf("%s\n", output ? output->answer.c_str() : output.error().describe().c_str());
  std::fprintf(stderr, "%.3f s, %.3f CPU s, peak %ld MiB\n", wall.count(), cpu_seconds(), peak_mib());
  return output ? 0 : 1;
}
