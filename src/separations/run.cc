#include "separations/run.h"

#include <algorithm>
#include <map>
#include <vector>

#include "base/digest.h"
#include "engines/separation/separation.h"

namespace toll::separations {

namespace {

namespace spectral = engines::separation;

class SeparationRun final : public jobs::Run {
 public:
  SeparationRun(const Separations& separations, std::shared_ptr<const blob::Reader> upload)
      : separations_(separations), upload_(std::move(upload)) {
    task_.engine = "separation";
    task_.input.inputs[std::string(spectral::input_name)] = upload_->local_fd();
  }

  // The files of the plan's models, in their order.
  Result<void> open_models(const blob::Store& store, const Trained& trained) {
    for (std::size_t i = 0; i < trained.bundle.models.size(); ++i) {
      const auto& name = trained.bundle.models[i].file;
      const auto file = std::ranges::find(trained.serving.files, name, &models::ServedFile::rfilename);
      auto content = store.open(file->digest);
      if (!content) return Fault(Reason::model_unusable).with("why", "a file is missing").because(name);
      task_.input.inputs["model." + std::to_string(i)] = (*content)->local_fd();
      models_.push_back(*std::move(content));
    }
    return {};
  }

  Result<void> open_outputs(blob::Store& store, const spectral::Plan& plan) {
    task_.input.params = spectral::write_plan(plan);
    for (const auto& name : spectral::output_files(plan)) {
      auto file = store.scratch();
      if (!file) return std::move(file).error();
      task_.input.outputs[name] = (*file)->fd();
      outputs_[name] = std::move(*file);
    }
    for (std::size_t i = 0; i < spectral::scratch_files(plan); ++i) {
      auto file = store.scratch();
      if (!file) return std::move(file).error();
      task_.input.scratch.push_back((*file)->fd());
      scratch_.push_back(std::move(*file));
    }
    return {};
  }

  const engine::Task& task() const override { return task_; }

  Result<void> seal(const engine::Output&) override {
    scratch_.clear();
    for (auto& [name, file] : outputs_) {
      auto staged = file->seal();
      if (!staged) return std::move(staged).error();
      staged_[name] = std::move(*staged);
    }
    return {};
  }

  Result<void> commit(sql::Tx& tx, const jobs::Job& job) override {
    for (auto& [name, staged] : staged_) {
      auto kept =
          separations_.objects().attach(tx, *staged, {job.account, std::string(stem_role), job.id.value(), name});
      if (!kept) return std::move(kept).error();
    }
    return {};
  }

 private:
  const Separations& separations_;
  std::shared_ptr<const blob::Reader> upload_;
  std::vector<std::shared_ptr<const blob::Reader>> models_;
  engine::Task task_;
  std::map<std::string, std::unique_ptr<blob::Scratch>> outputs_;
  std::vector<std::unique_ptr<blob::Scratch>> scratch_;
  std::map<std::string, std::unique_ptr<blob::Staged>> staged_;
};

// A worker needs, besides the models' memory, so much for everything else.
constexpr std::int64_t besides_mib = 1024, least_models_mib = 256;

spectral::Plan plan_of(const Separation& separation, const std::optional<Trained>& trained,
                       const SeparationKind::Options& options) {
  spectral::Plan plan;
  plan.two_stem = separation.two_stem;
  plan.max_seconds = options.max_seconds;
  if (!trained) return plan;
  const auto& bundle = trained->bundle;
  plan.method = trained->method;
  plan.stems = bundle.sources;
  if (!plan.two_stem && separation.stem_count == 4 && plan.stems.size() == 6) plan.into_other = {"guitar", "piano"};
  spectral::TrainedModels models;
  for (const auto& model : bundle.models) models.sha256.push_back(model.sha256);
  models.weights = bundle.weights;
  const auto room = static_cast<std::int64_t>(options.worker_memory >> 20) - besides_mib;
  models.memory_mib = std::clamp(room, least_models_mib, models.memory_mib);
  plan.models = std::move(models);
  return plan;
}

}  // namespace

Result<std::unique_ptr<jobs::Run>> SeparationKind::prepare(const jobs::Job& job) {
  struct Found {
    std::optional<Separation> separation;
    std::optional<objects::Object> upload;
    Result<std::optional<Trained>> trained;
  };
  auto found = db_.read([&](sql::Tx& tx) {
    return Found{separations_.find(tx, job.id), separations_.objects().find(tx, job.id.value(), upload_role),
                 separations_.served(tx, job.id)};
  });
  if (!found.separation || !found.upload) return Reason::upload_missing;
  if (!found.trained) return std::move(found.trained).error();
  const auto& trained = *found.trained;
  auto upload = store_.open(found.upload->digest);
  if (!upload) return Fault(Reason::upload_missing).because(upload.error().describe());
  auto run = std::make_unique<SeparationRun>(separations_, std::move(*upload));
  const auto plan = plan_of(*found.separation, trained, options_);
  if (trained)
    if (auto opened = run->open_models(store_, *trained); !opened) return std::move(opened).error();
  if (auto opened = run->open_outputs(store_, plan); !opened) return std::move(opened).error();
  return std::unique_ptr<jobs::Run>(std::move(run));
}

}  // namespace toll::separations
