#include "workflows/steps/separate.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/digest.h"

namespace toll::workflows::steps {

namespace {

// How often the job is looked at: separations take seconds to hours.
constexpr std::chrono::milliseconds look{300};

json::Object schema() {
  return {{"type", "object"},
          {"properties",
           {{"file", {{"description", "A file of a step before; the nearest one, or the item's, by default."}}},
            {"model", {{"type", "string"}, {"default", "htdemucs"}}},
            {"stem_count", {{"enum", json::Array{2, 4, 6}}, {"default", 4}}},
            {"two_stem_type", {{"type", "string"}, {"description", "Of two stems; vocals by default."}}},
            {"format", {{"enum", json::Array{"wav", "mp3"}}, {"default", "wav"}}}}},
          {"additionalProperties", false}};
}

std::string text(const json::Object& with, std::string_view name, std::string_view otherwise) {
  const auto* value = with.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string(otherwise);
}

// The same for the same token; in the form of a UUID (RFC 9562, version 8).
JobId job_id_of(const std::string& token) {
  auto digits = hex(sha256("media.separate " + token)).substr(0, 32);
  digits[12] = '8';
  digits[16] = 'a';
  return JobId(digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-" + digits.substr(12, 4) + "-" +
               digits.substr(16, 4) + "-" + digits.substr(20));
}

class MediaSeparate final : public StepKind {
 public:
  explicit MediaSeparate(SeparateNeeds needs) : needs_(needs) {
    about_.name = "media.separate";
    about_.summary = "The stems of a recording: vocals, drums, bass and others.";
    about_.with = schema();
    about_.outputs = {"stems", "model"};
    about_.takes = {Media::audio, Media::video, Media::any};
    about_.gives = {Media::audio};
    about_.lasting = true;
  }
  const About& about() const override { return about_; }

  void check(Checking& what) const override {
    separations::Choice choice;
    for (const auto& problem : choose(what.step.with, choice)) {
      using Part = separations::ChoiceProblem;
      const auto* name = problem.part == Part::model        ? "model"
                         : problem.part == Part::stem_count ? "stem_count"
                                                            : "two_stem_type";
      what.problems.add(problem.part == Part::model ? "unknown_model" : "invalid_choice", what.path / name,
                        "This value " + problem.message + ".");
    }
    if (choice.model && !ready(what.tx, *choice.model))
      what.problems.add("step_unavailable", what.path / "model",
                        "The model " + choice.model->name + " is not installed on this server.");
  }

  metering::Credits price(const Pinning& what) const override {
    separations::Choice choice;
    return choose(what.with, choice).empty() ? choice.model->cost : needs_.models.cheapest();
  }

  StepResult run(const Call& call, std::stop_token stop) override {
    separations::Choice choice;
    if (const auto problems = choose(call.with, choice); !problems.empty())
      return failed(fault::template_error, "The value " + problems.front().message + ".");
    const auto* named = call.with.if_contains("file");
    const auto file = named ? call.file_of(*named) : call.nearest_file();
    if (!file) return failed(fault::file_unreadable, "There is no file to separate.");
    const auto id = job_id_of(call.token);
    if (auto ordered = order(call, id, *file, choice); !ordered) return failed(fault::engine_failed, ordered.error());
    auto ended = wait(call, id, stop);
    if (auto* fault = std::get_if<StepFault>(&ended)) return std::move(*fault);
    return output(id, call, std::get<separations::Separation>(ended));
  }

 private:
  std::vector<separations::ChoiceProblem> choose(const json::Object& with, separations::Choice& choice) const {
    const auto* count = with.if_contains("stem_count");
    const auto* two = with.if_contains("two_stem_type");
    return needs_.models.choose(
        text(with, "model", separations::default_model),
        count && count->is_int64() ? std::optional(static_cast<int>(count->get_int64())) : std::nullopt,
        two ? std::optional(text(with, "two_stem_type", "")) : std::nullopt, choice);
  }

  bool ready(sql::Tx& tx, const separations::Model& model) const {
    const auto& trained = needs_.separations.trained();
    return separations::Models::with(model, trained.installed(tx, model.name),
                                     trained.installed(tx, separations::voice_model))
        .ready;
  }

  std::optional<objects::Object> object_of(sql::Tx& tx, const Call& call, const File& file) const {
    for (auto& object : needs_.objects.list(tx, call.execution.value()))
      if (object.digest == file.digest) return std::move(object);
    return std::nullopt;
  }

  Result<void> order(const Call& call, const JobId& id, const File& file, const separations::Choice& choice) {
    return needs_.db.write([&](sql::Tx& tx) -> Result<void> {
      if (const auto known = needs_.queue.find(tx, id)) {
        if (known->state != jobs::State::failed && known->state != jobs::State::cancelled) return {};
        if (auto again = needs_.separations.retry(tx, call.payer, id); !again) return std::move(again).error();
        return {};
      }
      auto stored = object_of(tx, call, file);
      if (!stored) return Reason::upload_missing;
      separations::NewSeparation wanted{call.payer, file.name, choice, nullptr,
                                        separations::NewSeparation::Part{id, std::move(*stored)}};
      if (auto made = needs_.separations.submit(tx, wanted); !made) return std::move(made).error();
      return {};
    });
  }

  std::variant<separations::Separation, StepFault> wait(const Call& call, const JobId& id,
                                                        const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any changed;
    for (;;) {
      auto found = needs_.db.read([&](sql::Tx& tx) { return needs_.separations.find(tx, id); });
      if (!found) return failed(fault::engine_failed, "The separation was removed.");
      if (found->job.state == jobs::State::completed) return std::move(*found);
      if (found->job.state == jobs::State::failed)
        return failed(
            found->job.failure->reason() == Reason::undecodable_audio ? fault::file_unreadable : fault::engine_failed,
            *found->job.failure);
      if (found->job.state == jobs::State::cancelled) return failed(fault::cancelled, "The separation was cancelled.");
      if (stop.stop_requested()) {
        give_up(call, id);
        return failed(fault::cancelled, "The execution was stopped.");
      }
      std::unique_lock lock(mutex);
      changed.wait_for(lock, stop, look, [] { return false; });
    }
  }

  // A server that stops leaves the job: the next one finds it.
  void give_up(const Call& call, const JobId& id) {
    needs_.db.write([&](sql::Tx& tx) {
      if (tx.one("SELECT 1 FROM executions WHERE id = $1 AND ended_at IS NULL", call.execution)) return true;
      (void)needs_.separations.remove_any(tx, id);
      return true;
    });
  }

  StepResult output(const JobId& id, const Call& call, const separations::Separation& separation) {
    const auto format = text(call.with, "format", "wav"), ending = "." + format;
    Output out;
    json::Object stems;
    for (const auto& object : separation.files) {
      if (!object.name.ends_with(ending)) continue;
      Made made{object.name, format == "wav" ? "audio/wav" : "audio/mpeg", nullptr, object};
      stems[object.name.substr(0, object.name.size() - ending.size())] = file_json(made.file());
      out.bytes += static_cast<std::int64_t>(object.size);
      out.files.push_back(std::move(made));
    }
    if (stems.empty()) return failed(fault::engine_failed, "The separation made no files.");
    out.value = json::Object{{"stems", std::move(stems)}, {"model", separation.model}};
    out.with_commit = [this, id](sql::Tx& tx) -> Result<void> {
      // The files are the execution's now.
      (void)needs_.separations.remove_any(tx, id);
      return {};
    };
    return out;
  }

  About about_;
  SeparateNeeds needs_;
};

}  // namespace

std::unique_ptr<StepKind> make_media_separate(SeparateNeeds needs) {
  return std::make_unique<MediaSeparate>(needs);
}

}  // namespace toll::workflows::steps
