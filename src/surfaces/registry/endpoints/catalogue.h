// The catalogue: models, versions, aliases, as far as the caller sees them.
#pragma once

#include "surfaces/registry/house.h"
#include "surfaces/registry/wire.h"

namespace toll::registry {

inline constexpr std::int64_t usual_page = 100;

struct ModelsQuery {
  std::optional<std::string> q;
  Param<std::int64_t> updated_since, limit, offset;
};

struct RepoPath {
  std::string repo;
};

struct RepoPage {
  std::string repo;
  Param<std::int64_t> limit, offset;
};

struct VersionView {
  std::string version;
  std::optional<std::string> notes;
  std::string status;
  std::int64_t created_ts = 0;
  std::optional<std::int64_t> completed_ts;
  std::optional<std::string> commit;
  std::int64_t file_count = 0, size = 0;
  std::vector<std::string> aliases;
};

struct ListModels : Endpoint {
  using Request = ModelsQuery;
  using Response = ModelList;
  static constexpr Route route{Method::get, "/v1/models"};
  static constexpr std::string_view id = "registry.models.list", summary = "Models, the last changed first";
  static constexpr bool point_read = true;
  static Result<Response> handle(Call& call, const Request& in) {
    const models::ListQuery query{.q = in.q.value_or(""),
                                  .updated_since = in.updated_since.value_or(0),
                                  .limit = in.limit.value_or(usual_page),
                                  .offset = in.offset.value_or(0)};
    const auto rows = call.house.catalogue.list(call.tx(), viewer(call), query);
    return ModelList{call.house.rows.texts(call.tx(), call.house.catalogue, rows)};
  }
};

struct GetModel : Endpoint {
  using Request = RepoPath;
  using Response = ModelDetail;
  static constexpr Route route{Method::get, "/v1/models/{repo...}"};
  static constexpr std::string_view id = "registry.models.get", summary = "One model";
  static constexpr bool point_read = true;
  static constexpr std::array reasons{Reason::model_not_found};
  static Result<Response> handle(Call& call, const Request& in) {
    const auto seen = call.house.catalogue.find(call.tx(), viewer(call), in.repo);
    if (!seen) return Reason::model_not_found;
    return ModelDetail{view(seen->model), call.house.catalogue.aliases(call.tx(), seen->model.key)};
  }
};

struct ListVersions : Endpoint {
  using Request = RepoPage;
  using Response = std::vector<VersionView>;
  static constexpr Route route{Method::get, "/v1/models/{repo...}/versions"};
  static constexpr std::string_view id = "registry.models.versions", summary = "Versions of a model, newest first";
  static constexpr bool point_read = true;
  static constexpr std::array reasons{Reason::model_not_found};
  static Result<Response> handle(Call& call, const Request& in) {
    const auto seen = call.house.catalogue.find(call.tx(), viewer(call), in.repo);
    if (!seen) return Reason::model_not_found;
    Response out;
    for (auto& one : call.house.catalogue.versions(call.tx(), seen->model.key, in.limit.value_or(usual_page),
                                                   in.offset.value_or(0)))
      out.push_back(
          {.version = std::move(one.version),
           .notes = std::move(one.notes),
           .status = one.completed_at ? "completed" : "open",
           .created_ts = models::to_seconds(one.created_at),
           .completed_ts = one.completed_at ? std::optional(models::to_seconds(*one.completed_at)) : std::nullopt,
           .commit = std::move(one.commit),
           .file_count = one.file_count,
           .size = one.size,
           .aliases = std::move(one.aliases)});
    return out;
  }
};

struct ListAliases : Endpoint {
  using Request = RepoPath;
  using Response = AliasMap;
  static constexpr Route route{Method::get, "/v1/models/{repo...}/aliases"};
  static constexpr std::string_view id = "registry.models.aliases", summary = "Aliases of a model";
  static constexpr bool point_read = true;
  static constexpr std::array reasons{Reason::model_not_found};
  static Result<Response> handle(Call& call, const Request& in) {
    const auto seen = call.house.catalogue.find(call.tx(), viewer(call), in.repo);
    if (!seen) return Reason::model_not_found;
    return AliasMap{call.house.catalogue.aliases(call.tx(), seen->model.key)};
  }
};

}  // namespace toll::registry

namespace toll::json {

template <>
struct Schema<registry::ModelsQuery> {
  using V = registry::ModelsQuery;
  static constexpr std::string_view name = "ModelsQuery";
  static constexpr auto fields = std::tuple{
      field(&V::q, "q", "A part of repo_id, model_name or author; ASCII case is ignored.", {.in = In::query}),
      field(&V::updated_since, "updated_since", "Only models changed after this second; 0: all.", {.in = In::query}),
      field(&V::limit, "limit", "Models a page, 100 if absent.", {.in = In::query, .min = 1, .max = 500}),
      field(&V::offset, "offset", "Models to leave out.", {.in = In::query, .min = 0})};
};

template <>
struct Schema<registry::RepoPath> {
  using V = registry::RepoPath;
  static constexpr std::string_view name = "RepoPath";
  static constexpr auto fields =
      std::tuple{field(&V::repo, "repo", "The model's id, slashes included or as %2F.", {.in = In::path})};
};

template <>
struct Schema<registry::RepoPage> {
  using V = registry::RepoPage;
  static constexpr std::string_view name = "RepoPage";
  static constexpr auto fields =
      std::tuple{field(&V::repo, "repo", "The model's id.", {.in = In::path}),
                 field(&V::limit, "limit", "Rows a page, 100 if absent.", {.in = In::query, .min = 1, .max = 500}),
                 field(&V::offset, "offset", "Rows to leave out.", {.in = In::query, .min = 0})};
};

template <>
struct Schema<registry::VersionView> {
  using V = registry::VersionView;
  static constexpr std::string_view name = "Version";
  static constexpr auto fields =
      std::tuple{field(&V::version, "version", "Its name."),
                 field(&V::notes, "notes", "What its publisher says."),
                 field(&V::status, "status", "open or completed."),
                 field(&V::created_ts, "created_ts", "When it was made."),
                 field(&V::completed_ts, "completed_ts", "When it was completed; null while open."),
                 field(&V::commit, "commit", "The commit of its source."),
                 field(&V::file_count, "file_count", "Its ready files."),
                 field(&V::size, "size", "Their bytes."),
                 field(&V::aliases, "aliases", "Aliases that point to it.")};
};

}  // namespace toll::json
