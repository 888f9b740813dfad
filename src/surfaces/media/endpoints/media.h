// Media records: made, listed, looked at (and waited for), deleted.
#pragma once

#include "surfaces/media/wire.h"

namespace toll::media_api {

// FI-1: what is asked for. Some clients send these beside `metadata`, some spell faceSwapCheck.
struct Metadata {
  Switch is_single_face, faceswap_check, face_swap_check, liveness_check, face_similarity_check;
};

struct CreatedView {
  std::string mid, name, type, status;
  ModelName model_type;
  Moment created_at;
  std::string upload_url;
  std::int64_t expires_in = 0;
  std::optional<std::string> reference_upload_url;
  std::string content_type;
  std::int64_t size = 0;
};

struct CreateMedia : Endpoint {
  struct Request {
    Label name;
    MediaType content_type;
    Whole size;
    ModelName model_type;
    std::optional<json::Value> metadata;
    Switch is_single_face, faceswap_check, face_swap_check, liveness_check, face_similarity_check;
  };
  using Response = CreatedView;
  static constexpr Route route{Method::post, "/api/media"};
  static constexpr std::string_view id = "media.create", summary = "A record, and a link to send its file to";
  static constexpr std::string_view description =
      "The file is sent by PUT to `uploadUrl`, with the declared type and size; its analysis begins by itself. Credits "
      "are "
      "held now and spent when processing starts.";
  static constexpr std::string_view scope = "write", quota = metering::mutation_quota;
  static constexpr int status = 201;
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::invalid_request, Reason::insufficient_credits, Reason::quota_used_up,
                                      Reason::unsupported_media_type};
  static void check(const Call& call, const Request& in, api::Checks& checks);
  static Result<Response> handle(Call& call, const Request& in);
};

struct MediaList {
  std::int64_t limit = 0, offset = 0, total = 0;
  std::vector<MediaView> data;
};

struct ListMedia : Endpoint {
  struct Request {
    std::optional<std::int64_t> limit, offset;
    std::optional<StatusName> status;
    std::optional<ModelName> model_type;
  };
  using Response = MediaList;
  static constexpr Route route{Method::get, "/api/media"};
  static constexpr std::string_view id = "media.list", summary = "The account's records, newest first";
  static constexpr std::string_view scope = "read", quota = metering::query_quota;
  static constexpr std::array reasons{Reason::invalid_request, Reason::quota_used_up};
  static Result<Response> handle(Call& call, const Request& in);
};

struct GetMedia : Endpoint {
  struct Request {
    std::string mid;
    std::optional<std::int64_t> wait;
  };
  using Response = http::Response;
  using Shows = MediaView;
  static constexpr Route route{Method::get, "/api/media/{mid}"};
  static constexpr std::string_view id = "media.get", summary = "One record; with `wait`, once it has changed";
  static constexpr std::string_view description =
      "`wait` answers when the status differs from the one on arrival, at the latest after so many seconds. With "
      "If-None-Match the call waits while the ETag matches and then gives 304, so that no change is missed.";
  static constexpr std::string_view scope = "read", quota = metering::query_quota;
  static constexpr bool point_read = true;
  static constexpr std::array reasons{Reason::media_not_found, Reason::invalid_request, Reason::quota_used_up};
  static Result<Response> handle(Call& call, const Request& in);
  static Result<Response> conclude(Call& call, const Request& in) { return handle(call, in); }
};

struct DeleteMedia : Endpoint {
  struct Request {
    std::string mid;
  };
  using Response = http::Response;
  static constexpr Route route{Method::delete_, "/api/media/{mid}"};
  static constexpr std::string_view id = "media.delete", summary = "Delete a record, its file and its results";
  static constexpr std::string_view scope = "delete", quota = metering::mutation_quota;
  static constexpr int status = 204;
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::media_not_found, Reason::quota_used_up};
  static Result<Response> handle(Call& call, const Request& in);
};

}  // namespace toll::media_api

namespace toll::json {

template <>
struct Schema<media_api::Metadata> {
  using T = media_api::Metadata;
  static constexpr std::string_view name = "FaceChecks";
  static constexpr auto fields = std::tuple{
      field(&T::is_single_face, "isSingleFace", "One face is expected; true unless said otherwise."),
      field(&T::faceswap_check, "faceswapCheck", "Whether the face was swapped; videos only."),
      field(&T::face_swap_check, "faceSwapCheck", "The same."),
      field(&T::liveness_check, "livenessCheck", "Whether a live person was in front of the camera."),
      field(&T::face_similarity_check, "faceSimilarityCheck", "Whether the face is that of a reference picture.")};
};

template <>
struct Schema<media_api::CreateMedia::Request> {
  using T = media_api::CreateMedia::Request;
  static constexpr std::string_view name = "NewMedia";
  static constexpr auto fields =
      std::tuple{field(&T::name, "name", "A label for people.", {.max = 255, .example = "video_sample"}),
                 field(&T::content_type, "contentType", "What will be sent, exactly as the PUT will say it."),
                 field(&T::size, "size", "Its bytes.", {.min = 1, .example = "1024000"}),
                 field(&T::model_type, "modelType", "What to analyse it with, in any case."),
                 field(&T::metadata, "metadata", "FI-1: what is asked for; see FaceChecks."),
                 field(&T::is_single_face, "isSingleFace", "As in metadata, which counts more."),
                 field(&T::faceswap_check, "faceswapCheck", "The same."),
                 field(&T::face_swap_check, "faceSwapCheck", "The same."),
                 field(&T::liveness_check, "livenessCheck", "The same."),
                 field(&T::face_similarity_check, "faceSimilarityCheck", "The same.")};
};

template <>
struct Schema<media_api::CreatedView> {
  using V = media_api::CreatedView;
  static constexpr std::string_view name = "CreatedMedia";
  static constexpr auto fields =
      std::tuple{field(&V::mid, "mid", "Its id.", {.example = "692f406f9f68d4b70080bb80"}),
                 field(&V::name, "name", "Its label."),
                 field(&V::type, "type", "Video or Image."),
                 field(&V::status, "status", "INITED."),
                 field(&V::model_type, "modelType", "What it will be analysed with."),
                 field(&V::created_at, "createdAt", "When it was made."),
                 field(&V::upload_url, "uploadUrl", "Where to PUT the file; AWS SigV4, signed in the query."),
                 field(&V::expires_in, "expiresIn", "Seconds that the link works."),
                 field(&V::reference_upload_url, "referenceUploadUrl",
                       "FI-1 with faceSimilarityCheck: where to PUT the reference.", {.omit_null = true}),
                 field(&V::content_type, "contentType", "As declared."),
                 field(&V::size, "size", "As declared.")};
};

template <>
struct Schema<media_api::MediaList> {
  using V = media_api::MediaList;
  static constexpr std::string_view name = "MediaList";
  static constexpr auto fields =
      std::tuple{field(&V::limit, "limit", "As used."), field(&V::offset, "offset", "As used."),
                 field(&V::total, "total", "After the filters."), field(&V::data, "data", "The records.")};
};

template <>
struct Schema<media_api::ListMedia::Request> {
  using T = media_api::ListMedia::Request;
  static constexpr std::string_view name = "ListMedia";
  static constexpr auto fields = std::tuple{
      field(&T::limit, "limit", "At most so many; 10 unless said otherwise.", {.in = In::query, .min = 1, .max = 100}),
      field(&T::offset, "offset", "After so many.", {.in = In::query, .min = 0}),
      field(&T::status, "status", "Of this status only.", {.in = In::query}),
      field(&T::model_type, "modelType", "Of this model only.", {.in = In::query})};
};

template <>
struct Schema<media_api::GetMedia::Request> {
  using T = media_api::GetMedia::Request;
  static constexpr std::string_view name = "GetMedia";
  static constexpr auto fields =
      std::tuple{field(&T::mid, "mid", "The record's id.", {.in = In::path}),
                 field(&T::wait, "wait", "Seconds to wait for a change.", {.in = In::query, .min = 0, .max = 60})};
};

template <>
struct Schema<media_api::DeleteMedia::Request> {
  using T = media_api::DeleteMedia::Request;
  static constexpr std::string_view name = "DeleteMedia";
  static constexpr auto fields = std::tuple{field(&T::mid, "mid", "The record's id.", {.in = In::path})};
};

}  // namespace toll::json
