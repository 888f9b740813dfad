#include "media/kind.h"

#include <algorithm>
#include <map>

#include "base/digest.h"

namespace toll::media {

namespace {

// What an answer that judges must have and has not: a worker that a file has taken over may answer anything.
std::string missing_of(const forensics::Plan& plan, const forensics::Answer& answer) {
  if (plan.phase == forensics::Phase::check || answer.failure) return {};
  const auto written = [&](std::string_view name) {
    return std::ranges::find(answer.files, name) != answer.files.end();
  };
  if (!answer.analysis) return "an analysis";
  if (!written(result_name)) return std::string(result_name);
  const bool has_heatmap = plan.model_type == ModelType::ac1 || plan.model_type == ModelType::fd1;
  if (has_heatmap && !written(heatmap_name)) return std::string(heatmap_name);
  for (std::size_t i = 0; i < answer.participants.size(); ++i) {
    const auto& one = answer.participants[i];
    const auto file = forensics::participant_file(static_cast<int>(i));
    if (one.id != static_cast<int>(i) || one.file != file || !written(file)) return file;
  }
  return {};
}

class AnalysisRun final : public jobs::Run {
 public:
  explicit AnalysisRun(Records& records) : records_(records) { task_.engine = std::string(forensics::engine_name); }

  Result<void> open_input(const blob::Store& store, std::string name, const Sha256& digest, Reason missing) {
    auto content = store.open(digest);
    if (!content) return Fault(missing).with("why", "a file is missing").because(content.error().describe());
    task_.input.inputs[std::move(name)] = (*content)->local_fd();
    inputs_.push_back(*std::move(content));
    return {};
  }

  Result<void> open_outputs(blob::Store& store, const forensics::Plan& plan) {
    plan_ = plan;
    task_.input.params = forensics::write_plan(plan);
    for (const auto& name : forensics::output_files(plan)) {
      auto file = TOLL_TRY(store.scratch());
      task_.input.outputs[name] = file->fd();
      outputs_[name] = std::move(file);
    }
    return {};
  }

  const engine::Task& task() const override { return task_; }

  // Only what the engine says it has written is kept, and only if it is all there.
  Result<void> seal(const engine::Output& output) override {
    answer_ = TOLL_TRY(forensics::parse_answer(output.answer));
    if (auto missing = missing_of(plan_, answer_); !missing.empty())
      return Fault(Reason::internal).because("the engine's answer is without " + missing);
    for (const auto& name : answer_.files) {
      const auto file = outputs_.find(name);
      if (file == outputs_.end()) return Fault(Reason::internal).because("the engine wrote " + name + " unasked");
      staged_[name] = TOLL_TRY(file->second->seal());
    }
    outputs_.clear();
    return {};
  }

  Result<void> commit(sql::Tx& tx, const jobs::Job& job) override {
    std::vector<ResultFile> files;
    for (const auto& [name, staged] : staged_) files.push_back({name, staged.get()});
    return records_.ended(tx, job.id, answer_, files);
  }

 private:
  Records& records_;
  forensics::Plan plan_;
  std::vector<std::shared_ptr<const blob::Reader>> inputs_;
  engine::Task task_;
  std::map<std::string, std::unique_ptr<blob::Scratch>> outputs_;
  std::map<std::string, std::unique_ptr<blob::Staged>> staged_;
  forensics::Answer answer_;
};

// A worker needs, besides the models' memory, so much for everything else.
constexpr std::int64_t besides_mib = 2048, least_models_mib = 64, most_models_mib = 65'536;

forensics::Plan plan_of(const Record& record, const AnalysisKind::Options& options) {
  forensics::Plan plan;
  plan.phase = record.checked ? forensics::Phase::process : forensics::Phase::check;
  plan.model_type = record.model;
  plan.kind = record.kind;
  plan.checks = record.checks;
  plan.limits = options.limits;
  const auto room = static_cast<std::int64_t>(options.worker_memory >> 20) - besides_mib;
  plan.memory_mib = std::clamp(room, least_models_mib, most_models_mib);
  return plan;
}

struct Inputs {
  Record record;
  std::optional<objects::Object> original, reference;
  std::vector<Found> models;
};

}  // namespace

Result<std::unique_ptr<jobs::Run>> AnalysisKind::prepare(const jobs::Job& job) {
  const auto found = TOLL_TRY(db_.read([&](sql::Tx& tx) -> Result<Inputs> {
    auto record = records_.of_job(tx, job.id);
    if (!record) return Reason::upload_missing;
    Inputs inputs;
    const auto object = [&](std::string_view name) {
      return records_.objects().find(tx, record->mid.value(), object_role, name);
    };
    inputs.original = object(original_name);
    inputs.reference = object(reference_name);
    if (record->checked)
      for (const auto& model : record->models) inputs.models.push_back(TOLL_TRY(records_.models().recorded(tx, model)));
    inputs.record = *std::move(record);
    return inputs;
  }));
  auto plan = plan_of(found.record, options_);
  if (!found.original || (found.record.reference_slot && !found.reference)) return Reason::upload_missing;
  auto run = std::make_unique<AnalysisRun>(records_);
  TOLL_TRY(run->open_input(store_, "media", found.original->digest, Reason::upload_missing));
  if (found.reference) TOLL_TRY(run->open_input(store_, "reference", found.reference->digest, Reason::upload_missing));
  for (const auto& model : found.models) {
    TOLL_TRY(run->open_input(store_, "model." + std::to_string(plan.models.size()), model.target.file.digest,
                             Reason::model_unusable));
    plan.models.push_back(
        {model.manifest.task, model.target.file_sha256(), model.target.repo_id, model.target.version, model.manifest});
  }
  TOLL_TRY(run->open_outputs(store_, plan));
  return std::unique_ptr<jobs::Run>(std::move(run));
}

}  // namespace toll::media
