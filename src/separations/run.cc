#include "separations/run.h"

#include <map>
#include <vector>

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
  engine::Task task_;
  std::map<std::string, std::unique_ptr<blob::Scratch>> outputs_;
  std::vector<std::unique_ptr<blob::Scratch>> scratch_;
  std::map<std::string, std::unique_ptr<blob::Staged>> staged_;
};

}  // namespace

Result<std::unique_ptr<jobs::Run>> SeparationKind::prepare(const jobs::Job& job) {
  struct Found {
    std::optional<Separation> separation;
    std::optional<objects::Object> upload;
  };
  auto found = db_.read([&](sql::Tx& tx) {
    return Found{separations_.find(tx, job.id), separations_.objects().find(tx, job.id.value(), upload_role)};
  });
  if (!found.separation || !found.upload) return Reason::upload_missing;
  auto upload = store_.open(found.upload->digest);
  if (!upload) return Fault(Reason::upload_missing).because(upload.error().describe());
  auto run = std::make_unique<SeparationRun>(separations_, std::move(*upload));
  spectral::Plan plan;
  plan.two_stem = found.separation->two_stem;
  plan.max_seconds = options_.max_seconds;
  if (auto opened = run->open_outputs(store_, plan); !opened) return std::move(opened).error();
  return std::unique_ptr<jobs::Run>(std::move(run));
}

}  // namespace toll::separations
