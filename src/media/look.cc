#include "media/look.h"

#include "engines/onnx/onnx_engine.h"

namespace toll::media {

namespace {

namespace onnx = engines::onnx;

struct Silent final : engine::Progress {
  void report(double) override {}
};

}  // namespace

Result<void> check_loaded(const blob::Store& store, const Found& found, engine::Runner& runner) {
  const auto content = store.open(found.target.file.digest);
  if (!content) return Fault(Reason::model_unusable).with("why", "its file is missing");
  onnx::Request request;
  request.action = onnx::Request::Action::describe;
  request.sha256 = found.target.file_sha256();
  engine::Task task{"onnx", {}};
  task.input.params = onnx::write_request(request);
  task.input.inputs["model"] = (*content)->local_fd();
  Silent silent;
  const auto described = runner.run(task, silent, {});
  if (!described && described.error().reason() == Reason::worker_lost)
    return Fault(Reason::model_unusable)
        .with("why", "it takes more than a worker has")
        .because(described.error().cause());
  if (!described) return described.error();
  return forensics::check_model(found.manifest, described->answer);
}

}  // namespace toll::media
