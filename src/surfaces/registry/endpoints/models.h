// Publishing: models, versions and aliases of developers.
#pragma once

#include "surfaces/registry/endpoints/catalogue.h"
#include "surfaces/registry/house.h"
#include "surfaces/registry/wire.h"

namespace toll::registry {

// What every route below /v1/dev inherits.
struct DevEndpoint : Endpoint {
  static constexpr api::CallerCheck permits = &developers_only;
};

struct SaveModelBody {
  RepoId repo_id;
  std::optional<std::string> model_name, canonical_url;
  std::optional<Visibility> visibility;
  std::optional<std::string> author, pipeline_tag, license, languages, tags;
  std::optional<std::int64_t> parameters;
  std::optional<EngineName> engine;
};
struct SavedModel {
  bool ok = true;
  std::string repo_id;
};

struct NewVersion {
  std::string repo;
  Label version;
  std::optional<std::string> notes;
};
struct MadeVersion {
  bool ok = true;
  std::string version;
};

struct VersionPath {
  std::string repo, version;
};
struct AliasPath {
  std::string repo, alias;
};
struct SetAliasBody {
  std::string repo, alias;
  Label version;
};
struct MovedAlias {
  bool ok = true;
  std::string alias, version;
  std::optional<std::string> previous;
};

struct SaveModel : DevEndpoint {
  using Request = SaveModelBody;
  using Response = SavedModel;
  static constexpr Route route{Method::post, "/v1/dev/models"};
  static constexpr std::string_view id = "registry.dev.models.save", summary = "Make a model, or change one's own";
  static constexpr std::string_view description = "On an own model only the fields sent are changed.";
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::repo_taken};
  static Result<Response> handle(Call& call, const Request& in) {
    models::Card card;
    card.canonical_url = in.canonical_url;
    card.model_name = in.model_name;
    card.author = in.author;
    card.pipeline_tag = in.pipeline_tag;
    card.license = in.license;
    card.languages = in.languages;
    card.tags = in.tags;
    card.parameters = in.parameters;
    if (in.engine) card.engine = in.engine->text;
    const auto is_public = in.visibility ? std::optional(in.visibility->text == "public") : std::nullopt;
    auto saved = call.house.publishing.save(call.tx(), viewer(call), in.repo_id.text, card, is_public, trace(call));
    TOLL_TRY(told(call, "model_saved", in.repo_id.text, std::move(saved)));
    return SavedModel{true, in.repo_id.text};
  }
};

struct DeleteModel : DevEndpoint {
  using Request = RepoPath;
  using Response = Ok;
  static constexpr Route route{Method::delete_, "/v1/dev/models/{repo...}"};
  static constexpr std::string_view id = "registry.dev.models.delete", summary = "Delete a model";
  static constexpr std::string_view description = "Its name stays its owner's.";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::model_not_found, Reason::repo_not_yours};
  static Result<Response> handle(Call& call, const Request& in) {
    TOLL_TRY(told(call, "model_deleted", in.repo,
                  call.house.publishing.remove(call.tx(), viewer(call), in.repo, trace(call))));
    return Ok{};
  }
};

struct AddVersion : DevEndpoint {
  using Request = NewVersion;
  using Response = MadeVersion;
  static constexpr Route route{Method::post, "/v1/dev/models/{repo...}/versions"};
  static constexpr std::string_view id = "registry.dev.versions.add", summary = "Make a version";
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::model_not_found, Reason::repo_not_yours, Reason::version_is_alias};
  static Result<Response> handle(Call& call, const Request& in) {
    TOLL_TRY(told(
        call, "version_created", in.repo,
        call.house.publishing.add_version(call.tx(), viewer(call), in.repo, in.version.text, in.notes, trace(call))));
    return MadeVersion{true, in.version.text};
  }
};

struct DeleteVersion : DevEndpoint {
  using Request = VersionPath;
  using Response = Ok;
  static constexpr Route route{Method::delete_, "/v1/dev/models/{repo...}/versions/{version}"};
  static constexpr std::string_view id = "registry.dev.versions.delete", summary = "Delete a version and its files";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::model_not_found, Reason::repo_not_yours, Reason::version_not_found,
                                      Reason::version_in_use};
  static Result<Response> handle(Call& call, const Request& in) {
    TOLL_TRY(told(call, "version_deleted", in.repo,
                  call.house.publishing.remove_version(call.tx(), viewer(call), in.repo, in.version, trace(call))));
    return Ok{};
  }
};

struct SetAlias : DevEndpoint {
  using Request = SetAliasBody;
  using Response = MovedAlias;
  static constexpr Route route{Method::put, "/v1/dev/models/{repo...}/aliases/{alias}"};
  static constexpr std::string_view id = "registry.dev.aliases.set", summary = "Point an alias to a version";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::model_not_found, Reason::repo_not_yours, Reason::version_not_found,
                                      Reason::version_not_completed, Reason::alias_is_version};
  static Result<Response> handle(Call& call, const Request& in) {
    auto moved = TOLL_TRY(told(
        call, "alias_set", in.repo,
        call.house.publishing.set_alias(call.tx(), viewer(call), in.repo, in.alias, in.version.text, trace(call))));
    return MovedAlias{true, in.alias, in.version.text, std::move(moved.previous)};
  }
};

struct DeleteAlias : DevEndpoint {
  using Request = AliasPath;
  using Response = Ok;
  static constexpr Route route{Method::delete_, "/v1/dev/models/{repo...}/aliases/{alias}"};
  static constexpr std::string_view id = "registry.dev.aliases.delete", summary = "Delete an alias";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::model_not_found, Reason::repo_not_yours};
  static Result<Response> handle(Call& call, const Request& in) {
    TOLL_TRY(told(call, "alias_deleted", in.repo,
                  call.house.publishing.remove_alias(call.tx(), viewer(call), in.repo, in.alias, trace(call))));
    return Ok{};
  }
};

}  // namespace toll::registry

namespace toll::json {

template <>
struct Schema<registry::SaveModelBody> {
  using V = registry::SaveModelBody;
  static constexpr std::string_view name = "SaveModel";
  static constexpr auto fields = std::tuple{
      field(&V::repo_id, "repo_id", "The model's id.", {.example = "acme/finetune-bert"}),
      field(&V::model_name, "model_name", "Its name for people.", {.max = 2000}),
      field(&V::canonical_url, "canonical_url", "Where it comes from.", {.max = 2000}),
      field(&V::visibility, "visibility", "private or public; a new model is private unless this says otherwise."),
      field(&V::author, "author", "Who made it.", {.max = 2000}),
      field(&V::pipeline_tag, "pipeline_tag", "What it is for.", {.max = 2000}),
      field(&V::license, "license", "Its licence.", {.max = 2000}),
      field(&V::languages, "languages", "Languages.", {.max = 2000}),
      field(&V::tags, "tags", "Tags, joined with a comma and a blank.", {.max = 2000}),
      field(&V::parameters, "parameters", "How many parameters it has.", {.min = 0}),
      field(&V::engine, "engine", "What can run it here: separation, transcription, onnx or recommender.")};
};

template <>
struct Schema<registry::SavedModel> {
  using V = registry::SavedModel;
  static constexpr std::string_view name = "SavedModel";
  static constexpr auto fields =
      std::tuple{field(&V::ok, "ok", "True."), field(&V::repo_id, "repo_id", "The model's id.")};
};

template <>
struct Schema<registry::NewVersion> {
  using V = registry::NewVersion;
  static constexpr std::string_view name = "NewVersion";
  static constexpr auto fields = std::tuple{field(&V::repo, "repo", "The model's id.", {.in = In::path}),
                                            field(&V::version, "version", "Its name.", {.example = "v1"}),
                                            field(&V::notes, "notes", "What is new.", {.max = 2000})};
};

template <>
struct Schema<registry::MadeVersion> {
  using V = registry::MadeVersion;
  static constexpr std::string_view name = "MadeVersion";
  static constexpr auto fields = std::tuple{field(&V::ok, "ok", "True."), field(&V::version, "version", "Its name.")};
};

template <>
struct Schema<registry::VersionPath> {
  using V = registry::VersionPath;
  static constexpr std::string_view name = "VersionPath";
  static constexpr auto fields = std::tuple{field(&V::repo, "repo", "The model's id.", {.in = In::path}),
                                            field(&V::version, "version", "The version.", {.in = In::path})};
};

template <>
struct Schema<registry::AliasPath> {
  using V = registry::AliasPath;
  static constexpr std::string_view name = "AliasPath";
  static constexpr auto fields = std::tuple{field(&V::repo, "repo", "The model's id.", {.in = In::path}),
                                            field(&V::alias, "alias", "The alias.", {.in = In::path})};
};

template <>
struct Schema<registry::SetAliasBody> {
  using V = registry::SetAliasBody;
  static constexpr std::string_view name = "SetAlias";
  static constexpr auto fields = std::tuple{field(&V::repo, "repo", "The model's id.", {.in = In::path}),
                                            field(&V::alias, "alias", "The alias.", {.in = In::path}),
                                            field(&V::version, "version", "Where it points.", {.example = "v3"})};
};

template <>
struct Schema<registry::MovedAlias> {
  using V = registry::MovedAlias;
  static constexpr std::string_view name = "MovedAlias";
  static constexpr auto fields = std::tuple{field(&V::ok, "ok", "True."), field(&V::alias, "alias", "The alias."),
                                            field(&V::version, "version", "Where it points."),
                                            field(&V::previous, "previous", "Where it pointed; null: it is new.")};
};

}  // namespace toll::json
