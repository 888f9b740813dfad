// A file comes in, a job stands in the queue.
#pragma once

#include "separations/file_names.h"
#include "surfaces/stems/house.h"
#include "surfaces/stems/wire.h"

namespace toll::stems {

struct ModelView {
  std::string name, description;
  std::vector<std::string> stems;
  Amount cost;
  std::string licence;
  bool ready = false;
  std::optional<std::string> served_by;
  std::vector<int> stem_counts;
  json::Value transcription_types;
};
// As it is offered now.
inline ModelView view(const House& house, sql::Tx& tx, const separations::Model& model) {
  const auto& trained = house.separations.trained();
  const auto m = separations::Models::with(model, trained.installed(tx, model.name),
                                           trained.installed(tx, separations::voice_model));
  return {m.name, m.description, m.stems, {m.cost}, m.licence, m.ready, m.served_by, m.stem_counts, json::Object{}};
}

struct ModelList {
  std::vector<ModelView> models;
};

struct ListModels : Endpoint {
  using Request = Nothing;
  using Response = ModelList;
  static constexpr Route route{Method::get, "/upload/models"};
  static constexpr std::string_view id = "stems.models.list", summary = "The models on offer, and what serves each";
  static constexpr Access access = Access::open;
  static constexpr Runs runs = Runs::read;
  static Result<Response> handle(Call& call, const Request&) {
    ModelList out;
    for (const auto& model : call.house.models.all()) out.models.push_back(view(call.house, call.tx(), model));
    return out;
  }
};

struct GetModel : Endpoint {
  struct Request {
    std::string name;
  };
  using Response = ModelView;
  static constexpr Route route{Method::get, "/upload/models/{name}"};
  static constexpr std::string_view id = "stems.models.get", summary = "One model";
  static constexpr Access access = Access::open;
  static constexpr Runs runs = Runs::read;
  static constexpr std::array reasons{Reason::model_not_found};
  static Result<Response> handle(Call& call, const Request& in) {
    if (const auto* model = call.house.models.find(in.name)) return view(call.house, call.tx(), *model);
    return Reason::model_not_found;
  }
};

struct Upload : Endpoint {
  struct Request {
    api::UploadedFile file;
    std::optional<std::string> model;
    std::optional<std::int64_t> stem_count;
    std::optional<std::string> two_stem_type, transcription_type, language;
  };
  using Response = JobView;
  static constexpr Route route{Method::post, "/upload"};
  static constexpr std::string_view id = "stems.upload", summary = "Upload audio file for processing";
  static constexpr std::string_view description =
      "Anything FFmpeg can decode as audio, video containers included. Text fields may come before or after the file. "
      "The job costs its "
      "model's price once it completes; a failed or cancelled job costs nothing.";
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::upload_too_large, Reason::insufficient_credits, Reason::part_too_large,
                                      Reason::model_not_ready,  Reason::no_file_name,         Reason::unsupported_file,
                                      Reason::storage_full};

  static api::FormLimits form_limits(const House& house) { return {.file_bytes = house.max_upload_bytes}; }

  // From the head alone: what is certainly too large, and who certainly cannot pay.
  static Result<void> admit(Call& call) {
    constexpr std::uint64_t room_for_part_heads = 64 << 10;
    if (call.request.content_length.value_or(0) > call.house.max_upload_bytes + room_for_part_heads)
      return Fault(Reason::upload_too_large).with("limit", std::to_string(call.house.max_upload_bytes));
    if (call.replaying) return {};
    return can_pay(call.house, call.tx(), call.account(), call.house.models.cheapest());
  }

  static void check(const Call& call, const Request& in, api::Checks& checks) {
    using separations::ChoiceProblem;
    separations::Choice choice;
    const auto name = model_of(in);
    // A number of stems that could not be read is not the model's problem.
    const auto count = checks.refused("stem_count") ? std::nullopt : count_of(in);
    for (const auto& problem : call.house.models.choose(name, count, in.two_stem_type, choice)) {
      if (problem.part == ChoiceProblem::model) checks.refuse("model", name, problem.message);
      if (problem.part == ChoiceProblem::stem_count)
        checks.refuse("stem_count", std::to_string(in.stem_count.value_or(0)), problem.message);
      if (problem.part == ChoiceProblem::two_stem) checks.refuse("two_stem_type", *in.two_stem_type, problem.message);
    }
    if (in.transcription_type)
      checks.refuse("transcription_type", *in.transcription_type, "is for whisper models only");
  }

  // What needs no transaction: readiness, money, the name, and a look into a file whose name says nothing.
  static Result<void> prepare(Call& call, Request& in) {
    const auto choice = chosen(call, in);
    auto payable = call.house.db.read([&](sql::Tx& tx) -> Result<void> {
      if (!view(call.house, tx, *choice.model).ready)
        return Fault(Reason::model_not_ready).with("model", choice.model->name).retry_after(std::chrono::seconds(3600));
      return can_pay(call.house, tx, call.account(), choice.model->cost);
    });
    if (!payable) return payable;
    in.file.filename = separations::clean_file_name(in.file.filename);
    if (in.file.filename.empty()) return Reason::no_file_name;
    if (separations::has_media_extension(in.file.filename)) return {};
    return call.house.prober.has_audio(in.file.staged->fd());
  }

  static Result<Response> handle(Call& call, const Request& in) {
    auto submitted =
        call.house.separations.submit(call.tx(), {call.account(), in.file.filename, chosen(call, in), in.file.staged});
    if (!submitted) return std::move(submitted).error();
    return view(*submitted);
  }

 private:
  static Result<void> can_pay(const House& house, sql::Tx& tx, AccountId account, metering::Credits price) {
    const auto balance = house.ledger.balance(tx, account);
    if (balance >= price) return {};
    return Fault(Reason::insufficient_credits)
        .with("needed", metering::to_text(price))
        .with("balance", metering::to_text(balance));
  }

  static std::string model_of(const Request& in) { return in.model.value_or(std::string(separations::default_model)); }
  static std::optional<int> count_of(const Request& in) {
    if (!in.stem_count) return std::nullopt;
    return static_cast<int>(std::clamp<std::int64_t>(*in.stem_count, -1, 1000));
  }
  // Of a request that check() let pass.
  static separations::Choice chosen(const Call& call, const Request& in) {
    separations::Choice choice;
    call.house.models.choose(model_of(in), count_of(in), in.two_stem_type, choice);
    return choice;
  }
};

}  // namespace toll::stems

namespace toll::json {

template <>
struct Schema<stems::ModelView> {
  using V = stems::ModelView;
  static constexpr std::string_view name = "Model";
  static constexpr auto fields =
      std::tuple{field(&V::name, "name", "What `model` of an upload names."),
                 field(&V::description, "description", "What it is and what quality to expect."),
                 field(&V::stems, "stems", "The stems it makes."),
                 field(&V::cost, "cost", "Credits a job."),
                 field(&V::licence, "licence", "Of what serves it."),
                 field(&V::ready, "ready", "Whether jobs are taken now."),
                 field(&V::served_by, "served_by", "What really does the work."),
                 field(&V::stem_counts, "stem_counts", "Values of `stem_count` it takes."),
                 field(&V::transcription_types, "transcription_types", "Type to cost; empty for separation models.")};
};

template <>
struct Schema<stems::ModelList> {
  static constexpr std::string_view name = "ModelList";
  static constexpr auto fields = std::tuple{field(&stems::ModelList::models, "models", "By name.")};
};

template <>
struct Schema<stems::GetModel::Request> {
  static constexpr std::string_view name = "GetModel";
  static constexpr auto fields =
      std::tuple{field(&stems::GetModel::Request::name, "name", "The model's name.", {.in = In::path})};
};

template <>
struct Schema<stems::Upload::Request> {
  using R = stems::Upload::Request;
  static constexpr std::string_view name = "Upload";
  static constexpr auto fields =
      std::tuple{field(&R::file, "file", "The audio or video file.", {.in = In::form}),
                 field(&R::model, "model", "A name from GET /upload/models; htdemucs if absent.",
                       {.in = In::form, .example = "htdemucs"}),
                 field(&R::stem_count, "stem_count", "2, 4 or 6, as the model can; its own number of stems if absent.",
                       {.in = In::form, .example = "4"}),
                 field(&R::two_stem_type, "two_stem_type",
                       "The stem to single out when stem_count is 2; vocals if absent.", {.in = In::form}),
                 field(&R::transcription_type, "transcription_type", "For whisper models.", {.in = In::form}),
                 field(&R::language, "language", "For whisper models.", {.in = In::form})};
};

}  // namespace toll::json
