// Models of the registry that do what a modelType needs: assigned by administrators.
#pragma once

#include "surfaces/media/wire.h"

namespace toll::media_api {

struct AssignmentView {
  std::string role, repo_id;
  std::optional<std::string> version;
  Moment assigned_at;
};

struct AssignmentList {
  std::vector<AssignmentView> data;
};

struct AdminEndpoint : Endpoint {
  static constexpr api::Access access = Access::admin;
};

struct ListModels : AdminEndpoint {
  using Request = Nothing;
  using Response = AssignmentList;
  static constexpr Route route{Method::get, "/api/access/models"};
  static constexpr std::string_view id = "media.models.list", summary = "Which models of the registry analyse media";
  static constexpr std::string_view description = "A role that is not listed is served by the built-in analysis.";
  static Result<Response> handle(Call& call, const Request& in);
};

struct RoleName {
  engines::forensics::Role role = engines::forensics::Role::df1;
};

struct AssignModel : AdminEndpoint {
  struct Request {
    RoleName role;
    std::string repo_id;
    std::optional<std::string> version;
  };
  using Response = AssignmentView;
  static constexpr Route route{Method::put, "/api/access/models/{role}"};
  static constexpr std::string_view id = "media.models.assign",
                                    summary = "Let a model of the registry do what a modelType needs";
  static constexpr std::string_view description =
      "Its files hold a manifest, media.json, which is compared with the model. Counts for records that are accepted "
      "afterwards.";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::model_not_found, Reason::model_unusable, Reason::invalid_request};
  // Looks at the model: its manifest, and what it takes and gives when it is loaded.
  static Result<void> prepare(Call& call, Request& in);
  static Result<Response> handle(Call& call, const Request& in);
};

struct UnassignModel : AdminEndpoint {
  struct Request {
    RoleName role;
  };
  using Response = http::Response;
  static constexpr Route route{Method::delete_, "/api/access/models/{role}"};
  static constexpr std::string_view id = "media.models.unassign", summary = "Let the built-in analysis do it again";
  static constexpr int status = 204;
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::model_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

}  // namespace toll::media_api

namespace toll::json {

template <>
struct Codec<media_api::RoleName> : WordCodec<media_api::RoleName> {
  static void read_text(std::string_view text, media_api::RoleName& out, const Rules&, Reading& reading);
  static Object schema(const Rules&, Definitions&) {
    return {{"type", "string"}, {"enum", Array{"DF-1", "AC-1", "FD-1", "FE-1", "FI-1.liveness"}}};
  }
};

template <>
struct Schema<media_api::AssignmentView> {
  using V = media_api::AssignmentView;
  static constexpr std::string_view name = "MediaModel";
  static constexpr auto fields =
      std::tuple{field(&V::role, "role", "What it does: DF-1, AC-1, FD-1, FE-1 or FI-1.liveness."),
                 field(&V::repo_id, "repo_id", "The model in the registry.", {.example = "acme/deepfake"}),
                 field(&V::version, "version", "A version or an alias; what serves without either when it is left out.",
                       {.omit_null = true}),
                 field(&V::assigned_at, "assignedAt", "Since when.")};
};

template <>
struct Schema<media_api::AssignmentList> {
  static constexpr std::string_view name = "MediaModelList";
  static constexpr auto fields = std::tuple{field(&media_api::AssignmentList::data, "data", "The assigned models.")};
};

template <>
struct Schema<media_api::AssignModel::Request> {
  using T = media_api::AssignModel::Request;
  static constexpr std::string_view name = "AssignMediaModel";
  static constexpr auto fields = std::tuple{
      field(&T::role, "role", "What it is to do.", {.in = In::path}),
      field(&T::repo_id, "repo_id", "The model in the registry.", {.min = 1, .max = 255, .example = "acme/deepfake"}),
      field(&T::version, "version", "A version or an alias.", {.max = 255})};
};

template <>
struct Schema<media_api::UnassignModel::Request> {
  static constexpr std::string_view name = "UnassignMediaModel";
  static constexpr auto fields =
      std::tuple{field(&media_api::UnassignModel::Request::role, "role", "What it did.", {.in = In::path})};
};

}  // namespace toll::json
