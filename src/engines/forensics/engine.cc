#include "engines/forensics/face_detector.h"
#include "engines/forensics/failure.h"
#include "engines/forensics/job.h"
#include "engines/onnx/runtime.h"

namespace toll::engines::forensics {
namespace {

Result<Answer> process(const Job& job) {
  switch (job.plan.model_type) {
    case ModelType::df1:
      return process_film(job);
    case ModelType::fi1:
      return process_face(job);
    case ModelType::fe1:
      return process_embedding(job);
    default:
      return process_picture(job);
  }
}

class ForensicsEngine final : public engine::Engine {
 public:
  engine::Description describe() const override {
    return {std::string(engine_name), "Judges whether pictures and films of people are authentic."};
  }
  // What is not there is reported by the run that needs it.
  void before_sandbox() override {
    (void)onnx::load_runtime().has_value();
    load_face_model();
  }

  Result<engine::Output> run(const engine::Input& input, engine::Progress& progress, std::stop_token stop) override {
    const Job job{TOLL_TRY(parse_plan(input.params)), input, progress, std::move(stop)};
    for (const auto& name : input_files(job.plan)) job.in(name);
    for (const auto& name : output_files(job.plan)) job.out(name);
    auto answer = job.plan.phase == Phase::check ? check(job) : process(job);
    if (answer) return engine::Output{write_answer(*answer)};
    auto own = failure_in(answer.error());
    if (!own) return std::move(answer).error();
    // What the check has let pass breaks in the middle: a run that was paid for is not given back for it.
    const bool late = own->failure == Failure::undecodable_media || own->failure == Failure::media_limit_exceeded;
    if (job.plan.phase == Phase::process && late) own->failure = Failure::decode_error;
    return engine::Output{write_answer({.failure = own->failure, .failure_message = own->message})};
  }
};

}  // namespace

std::unique_ptr<engine::Engine> make_forensics_engine() {
  return std::make_unique<ForensicsEngine>();
}

}  // namespace toll::engines::forensics
