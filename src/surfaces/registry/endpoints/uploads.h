// Uploads: a slot with signed URLs, and the word that the bytes are there.
#pragma once

#include "surfaces/registry/endpoints/models.h"
#include "surfaces/registry/house.h"
#include "surfaces/registry/wire.h"

namespace toll::registry {

struct InitiateQuery {
  std::string repo, version;
  FileName filename;
  Param<std::int64_t> expires, parts;
  std::optional<std::string> upload_id;
};

struct PartUrl {
  std::int64_t part_number = 0;
  std::string url;
};
struct InitiatedView {
  std::string object_key;
  std::optional<std::string> url;
  std::int64_t expires_in = 0;
  std::string upload_id;
  std::optional<std::vector<PartUrl>> parts;
};

struct SentPart {
  std::int64_t part_number = 0;
  std::string etag;
};
struct CompleteBody {
  std::string repo, version;
  FileName rfilename;
  std::optional<std::int64_t> size;
  std::optional<std::string> sha256, upload_id;
  std::optional<std::vector<SentPart>> parts;
};
struct CompletedView {
  bool ok = true;
  std::string status;
  std::optional<std::int64_t> size;
  std::optional<std::string> sha256;
  bool verified = false;
  std::optional<std::vector<std::string>> warnings;
  std::optional<std::vector<std::int64_t>> missing_parts;
};

struct UploadPath {
  std::string repo, version, upload_id;
};
struct PartView {
  std::int64_t part_number = 0, size = 0;
  std::string etag;
};
struct UploadView {
  std::string upload_id, rfilename, object_key, state;
  std::optional<std::int64_t> size;
  std::optional<std::string> sha256;
  std::vector<PartView> parts;
  std::int64_t expires_at = 0;
};

struct InitiateUpload : DevEndpoint {
  using Request = InitiateQuery;
  using Response = InitiatedView;
  static constexpr Route route{Method::post, "/v1/dev/models/{repo...}/versions/{version}/uploads/initiate"};
  static constexpr std::string_view id = "registry.dev.uploads.initiate", summary = "Signed URLs to send a file to";
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::model_not_found,   Reason::repo_not_yours,
                                      Reason::version_not_found, Reason::upload_not_found,
                                      Reason::file_exists,       Reason::object_store_unavailable};
  static Result<Response> handle(Call& call, const Request& in);
};

struct CompleteUpload : DevEndpoint {
  using Request = CompleteBody;
  using Response = CompletedView;
  static constexpr Route route{Method::post, "/v1/dev/models/{repo...}/versions/{version}/uploads/complete"};
  static constexpr std::string_view id = "registry.dev.uploads.complete", summary = "The bytes are there, or will be";
  static constexpr Runs runs = Runs::blocking;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::model_not_found,  Reason::repo_not_yours, Reason::version_not_found,
                                      Reason::upload_not_found, Reason::size_mismatch,  Reason::digest_mismatch,
                                      Reason::file_exists,      Reason::invalid_part};
  static Result<Response> handle(Call& call, const Request& in);
};

struct GetUpload : DevEndpoint {
  using Request = UploadPath;
  using Response = UploadView;
  static constexpr Route route{Method::get, "/v1/dev/models/{repo...}/versions/{version}/uploads/{upload_id}"};
  static constexpr std::string_view id = "registry.dev.uploads.get", summary = "How far an upload is";
  static constexpr std::array reasons{Reason::model_not_found, Reason::repo_not_yours, Reason::version_not_found,
                                      Reason::upload_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

struct AbortUpload : DevEndpoint {
  using Request = UploadPath;
  using Response = Ok;
  static constexpr Route route{Method::delete_, "/v1/dev/models/{repo...}/versions/{version}/uploads/{upload_id}"};
  static constexpr std::string_view id = "registry.dev.uploads.abort", summary = "Give an upload up";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::model_not_found, Reason::repo_not_yours, Reason::version_not_found,
                                      Reason::upload_not_found};
  static Result<Response> handle(Call& call, const Request& in) {
    TOLL_TRY(call.house.uploads.abort(call.tx(), viewer(call), in.repo, in.version, in.upload_id, trace(call)));
    return Ok{};
  }
};

}  // namespace toll::registry

namespace toll::json {

template <>
struct Schema<registry::InitiateQuery> {
  using V = registry::InitiateQuery;
  static constexpr std::string_view name = "InitiateUpload";
  static constexpr auto fields = std::tuple{
      field(&V::repo, "repo", "The model's id.", {.in = In::path}),
      field(&V::version, "version", "The version.", {.in = In::path}),
      field(&V::filename, "filename", "The file's name in the repository.", {.in = In::query}),
      field(&V::expires, "expires", "Life of the URLs in seconds.", {.in = In::query, .min = 60, .max = 86'400}),
      field(&V::parts, "parts", "Send it in this many parts.", {.in = In::query, .min = 1, .max = 10'000}),
      field(&V::upload_id, "upload_id", "Fresh URLs for an upload under way.", {.in = In::query})};
};

template <>
struct Schema<registry::PartUrl> {
  using V = registry::PartUrl;
  static constexpr std::string_view name = "PartUrl";
  static constexpr auto fields =
      std::tuple{field(&V::part_number, "part_number", "The part."), field(&V::url, "url", "Where to PUT its bytes.")};
};

template <>
struct Schema<registry::InitiatedView> {
  using V = registry::InitiatedView;
  static constexpr std::string_view name = "InitiatedUpload";
  static constexpr auto fields =
      std::tuple{field(&V::object_key, "object_key", "The file's key in the object store."),
                 field(&V::url, "url", "Where to PUT the bytes; null with parts."),
                 field(&V::expires_in, "expires_in", "Life of the URLs in seconds."),
                 field(&V::upload_id, "upload_id", "The upload."),
                 field(&V::parts, "parts", "Where to PUT each part that is missing; null without parts.")};
};

template <>
struct Schema<registry::SentPart> {
  using V = registry::SentPart;
  static constexpr std::string_view name = "SentPart";
  static constexpr auto fields =
      std::tuple{field(&V::part_number, "part_number", "The part.", {.min = 1, .max = 10'000}),
                 field(&V::etag, "etag", "The ETag of its PUT.", {.max = 200})};
};

template <>
struct Schema<registry::CompleteBody> {
  using V = registry::CompleteBody;
  static constexpr std::string_view name = "CompleteUpload";
  static constexpr auto fields = std::tuple{
      field(&V::repo, "repo", "The model's id.", {.in = In::path}),
      field(&V::version, "version", "The version.", {.in = In::path}),
      field(&V::rfilename, "rfilename", "The file's name in the repository.", {.example = "model.safetensors"}),
      field(&V::size, "size", "Its bytes, to be compared.", {.min = 0}),
      field(&V::sha256, "sha256", "Their SHA-256, to be compared; anything but 64 hexadecimal digits is a placeholder.",
            {.max = 2000}),
      field(&V::upload_id, "upload_id", "The upload; absent: the newest one of this file.", {.max = 128}),
      field(&V::parts, "parts", "The parts and their ETags, to be compared.", {.max = 10'000})};
};

template <>
struct Schema<registry::CompletedView> {
  using V = registry::CompletedView;
  static constexpr std::string_view name = "CompletedUpload";
  static constexpr auto fields =
      std::tuple{field(&V::ok, "ok", "True."),
                 field(&V::status, "status", "ready or pending."),
                 field(&V::size, "size", "Bytes of the file."),
                 field(&V::sha256, "sha256", "Their SHA-256."),
                 field(&V::verified, "verified", "A SHA-256 was declared and is that of the bytes."),
                 field(&V::warnings, "warnings", "What was not taken as declared.", {.omit_null = true}),
                 field(&V::missing_parts, "missing_parts", "Parts whose bytes are not here.", {.omit_null = true})};
};

template <>
struct Schema<registry::UploadPath> {
  using V = registry::UploadPath;
  static constexpr std::string_view name = "UploadPath";
  static constexpr auto fields = std::tuple{field(&V::repo, "repo", "The model's id.", {.in = In::path}),
                                            field(&V::version, "version", "The version.", {.in = In::path}),
                                            field(&V::upload_id, "upload_id", "The upload.", {.in = In::path})};
};

template <>
struct Schema<registry::PartView> {
  using V = registry::PartView;
  static constexpr std::string_view name = "Part";
  static constexpr auto fields =
      std::tuple{field(&V::part_number, "part_number", "The part."), field(&V::size, "size", "Its bytes."),
                 field(&V::etag, "etag", "The ETag of its PUT.")};
};

template <>
struct Schema<registry::UploadView> {
  using V = registry::UploadView;
  static constexpr std::string_view name = "Upload";
  static constexpr auto fields =
      std::tuple{field(&V::upload_id, "upload_id", "The upload."),
                 field(&V::rfilename, "rfilename", "The file's name in the repository."),
                 field(&V::object_key, "object_key", "The file's key in the object store."),
                 field(&V::state, "state", "initiated, received, pending or ready."),
                 field(&V::size, "size", "Bytes received as a whole; null: none."),
                 field(&V::sha256, "sha256", "Their SHA-256."),
                 field(&V::parts, "parts", "Parts received."),
                 field(&V::expires_at, "expires_at", "The second at which the last URL ends.")};
};

}  // namespace toll::json
