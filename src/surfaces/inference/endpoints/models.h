// Models: which there are, what goes in and comes out, whether they would run.
#pragma once

#include "api/input.h"
#include "surfaces/inference/house.h"
#include "surfaces/inference/wire.h"

namespace toll::open_inference {

struct ModelPath {
  std::string repo;
  std::optional<std::string> file;
};

struct VersionPath {
  std::string repo, version;
  std::optional<std::string> file;
};

struct IndexQuery {
  api::WholeBody body;
};

inline constexpr std::array model_reasons{
    Reason::model_not_found, Reason::version_not_found, Reason::file_not_found,   Reason::model_not_permitted,
    Reason::model_unusable,  Reason::overloaded,        Reason::too_many_requests};

Result<ModelView> describe_model(Call& call);

struct GetModel : ModelEndpoint {
  using Request = ModelPath;
  using Response = ModelView;
  static constexpr Route route{Method::get, "/v2/models/{repo...}"};
  static constexpr std::string_view id = "inference.models.get", summary = "Inputs, outputs and price of a model";
  static constexpr auto reasons = model_reasons;
  static Result<void> admit(Call& call) { return admit_model(call); }
  static Result<Response> handle(Call& call, const Request&) { return describe_model(call); }
};

struct GetModelVersion : ModelEndpoint {
  using Request = VersionPath;
  using Response = ModelView;
  static constexpr Route route{Method::get, "/v2/models/{repo...}/versions/{version}"};
  static constexpr std::string_view id = "inference.models.version", summary = "The same of one version or alias";
  static constexpr auto reasons = model_reasons;
  static Result<void> admit(Call& call) { return admit_model(call); }
  static Result<Response> handle(Call& call, const Request&) { return describe_model(call); }
};

Result<ReadyView> model_ready(Call& call, const std::string& repo, const std::string& version,
                              const std::optional<std::string>& file);

struct GetModelReady : Endpoint {
  using Request = ModelPath;
  using Response = ReadyView;
  static constexpr Route route{Method::get, "/v2/models/{repo...}/ready"};
  static constexpr std::string_view id = "inference.models.ready", summary = "Whether a model would be run";
  static constexpr bool point_read = true;
  static constexpr auto reasons = model_reasons;
  static Result<Response> handle(Call& call, const Request& in) { return model_ready(call, in.repo, "", in.file); }
};

struct GetVersionReady : Endpoint {
  using Request = VersionPath;
  using Response = ReadyView;
  static constexpr Route route{Method::get, "/v2/models/{repo...}/versions/{version}/ready"};
  static constexpr std::string_view id = "inference.models.version_ready", summary = "The same of one version or alias";
  static constexpr bool point_read = true;
  static constexpr auto reasons = model_reasons;
  static Result<Response> handle(Call& call, const Request& in) {
    return model_ready(call, in.repo, in.version, in.file);
  }
};

struct ListIndex : Endpoint {
  using Request = IndexQuery;
  using Response = std::vector<IndexRow>;
  static constexpr Route route{Method::post, "/v2/repository/index"};
  static constexpr std::string_view id = "inference.index", summary = "The models that you may run";
  static constexpr std::string_view description = "At most the first 1,000, by name.";
  static json::Object body_schema();
  static Result<Response> handle(Call& call, const Request& in);
};

}  // namespace toll::open_inference

namespace toll::json {

template <>
struct Schema<open_inference::ModelPath> {
  using V = open_inference::ModelPath;
  static constexpr std::string_view name = "InferenceModelPath";
  static constexpr auto fields =
      std::tuple{field(&V::repo, "repo", "The model's id, slashes included or as %2F.", {.in = In::path}),
                 field(&V::file, "file", "Which *.onnx file, where there are several.", {.in = In::query})};
};

template <>
struct Schema<open_inference::VersionPath> {
  using V = open_inference::VersionPath;
  static constexpr std::string_view name = "InferenceVersionPath";
  static constexpr auto fields =
      std::tuple{field(&V::repo, "repo", "The model's id.", {.in = In::path}),
                 field(&V::version, "version", "A version or an alias.", {.in = In::path}),
                 field(&V::file, "file", "Which *.onnx file, where there are several.", {.in = In::query})};
};

template <>
struct Schema<open_inference::IndexQuery> {
  using V = open_inference::IndexQuery;
  static constexpr std::string_view name = "InferenceIndexQuery";
  static constexpr auto fields = std::tuple{field(&V::body, "body", "What is wanted; nothing: all.", {.in = In::raw})};
};

}  // namespace toll::json
