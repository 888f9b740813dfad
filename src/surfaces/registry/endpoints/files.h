// Files: lists, manifests, downloads.
#pragma once

#include "objects/digest_text.h"
#include "surfaces/registry/house.h"
#include "surfaces/registry/wire.h"

namespace toll::registry {

struct FilesQuery {
  std::string repo;
  std::optional<std::string> version;
  Param<Flag> presign;
  Param<std::int64_t> expires;
};

struct DownloadQuery {
  std::string path;
  std::optional<std::string> version;
  Param<std::int64_t> expires;
};

struct PlatformQuery {
  Param<Flag> presign;
  Param<std::int64_t> expires, limit, offset;
};

struct DownloadView {
  std::string repo_id, rfilename;
  std::int64_t size = 0;
  std::string sha256, object_key, url;
  std::int64_t expires_in = 0;
  std::optional<std::string> version;
};

struct ManifestFile {
  std::string rfilename;
  std::int64_t size = 0;
  std::string sha256, object_key;
  std::optional<std::string> presigned_url;
  std::int64_t updated_ts = 0;
  std::optional<std::string> version;
};

struct ManifestView {
  std::string schema, repo_id;
  std::int64_t updated_ts = 0;
  std::vector<ManifestFile> files;
};

struct PlatformItemView {
  std::string repo_id;
  std::int64_t allowed_from_ts = 0;
  std::vector<FileView> files;
};

struct PlatformManifestView {
  std::string schema;
  std::int64_t generated_ts = 0;
  std::vector<PlatformItemView> items;
};

inline bool wanted(const Param<Flag>& flag) {
  return flag && flag->set;
}

inline std::int64_t life(const Call& call, const Param<std::int64_t>& expires) {
  return expires.value_or(call.house.presign_seconds);
}

inline std::optional<std::string_view> named(const std::optional<std::string>& version) {
  return version ? std::optional<std::string_view>(*version) : std::nullopt;
}

// The model, if its files may be read. Faults: model_not_found, model_not_permitted.
Result<models::Seen> readable(const Call& call, std::string_view repo_id);

struct ListFiles : Endpoint {
  using Request = FilesQuery;
  using Response = std::vector<FileView>;
  static constexpr Route route{Method::get, "/v1/models/{repo...}/files"};
  static constexpr std::string_view id = "registry.models.files", summary = "Files of a model, of one version or all";
  static constexpr std::array reasons{Reason::model_not_found, Reason::model_not_permitted};
  static Result<Response> handle(Call& call, const Request& in);
};

struct GetManifest : Endpoint {
  using Request = FilesQuery;
  using Response = ManifestView;
  static constexpr Route route{Method::get, "/v1/manifest/{repo...}"};
  static constexpr std::string_view id = "registry.manifest", summary = "What a download without a version gets";
  static constexpr std::array reasons{Reason::model_not_found, Reason::model_not_permitted};
  static Result<Response> handle(Call& call, const Request& in);
};

struct DownloadFile : Endpoint {
  using Request = DownloadQuery;
  using Response = DownloadView;
  static constexpr Route route{Method::get, "/v1/files/{path...}/download"};
  static constexpr std::string_view id = "registry.files.download", summary = "A signed URL for one file";
  static constexpr std::array reasons{Reason::file_not_found, Reason::object_not_accessible,
                                      Reason::model_not_permitted};
  static Result<Response> handle(Call& call, const Request& in);
};

struct GetPlatformManifest : Endpoint {
  using Request = PlatformQuery;
  using Response = PlatformManifestView;
  static constexpr Route route{Method::get, "/v1/platform/manifest"};
  static constexpr std::string_view id = "registry.platform.manifest", summary = "All models under a grant, with files";
  static constexpr api::CallerCheck permits = &platforms_only;
  static Result<Response> handle(Call& call, const Request& in);
};

}  // namespace toll::registry

namespace toll::json {

template <>
struct Schema<registry::FilesQuery> {
  using V = registry::FilesQuery;
  static constexpr std::string_view name = "FilesQuery";
  static constexpr auto fields = std::tuple{
      field(&V::repo, "repo", "The model's id.", {.in = In::path}),
      field(&V::version, "version", "A version, or an alias.", {.in = In::query}),
      field(&V::presign, "presign", "Sign a URL for each file.", {.in = In::query}),
      field(&V::expires, "expires", "Life of the URLs in seconds.", {.in = In::query, .min = 60, .max = 86'400})};
};

template <>
struct Schema<registry::DownloadQuery> {
  using V = registry::DownloadQuery;
  static constexpr std::string_view name = "DownloadQuery";
  static constexpr auto fields = std::tuple{
      field(&V::path, "path", "The model's id and the file's name.", {.in = In::path}),
      field(&V::version, "version", "A version, or an alias.", {.in = In::query}),
      field(&V::expires, "expires", "Life of the URL in seconds.", {.in = In::query, .min = 60, .max = 86'400})};
};

template <>
struct Schema<registry::PlatformQuery> {
  using V = registry::PlatformQuery;
  static constexpr std::string_view name = "PlatformQuery";
  static constexpr auto fields = std::tuple{
      field(&V::presign, "presign", "Sign a URL for each file.", {.in = In::query}),
      field(&V::expires, "expires", "Life of the URLs in seconds.", {.in = In::query, .min = 60, .max = 86'400}),
      field(&V::limit, "limit", "Models a page; all without it.", {.in = In::query, .min = 1, .max = 500}),
      field(&V::offset, "offset", "Models to leave out.", {.in = In::query, .min = 0})};
};

template <>
struct Schema<registry::DownloadView> {
  using V = registry::DownloadView;
  static constexpr std::string_view name = "Download";
  static constexpr auto fields = std::tuple{field(&V::repo_id, "repo_id", "The model."),
                                            field(&V::rfilename, "rfilename", "The file."),
                                            field(&V::size, "size", "Its bytes."),
                                            field(&V::sha256, "sha256", "Their SHA-256."),
                                            field(&V::object_key, "object_key", "Its key in the object store."),
                                            field(&V::url, "url", "The signed URL."),
                                            field(&V::expires_in, "expires_in", "Its life in seconds."),
                                            field(&V::version, "version", "The version it is of; null: none.")};
};

template <>
struct Schema<registry::ManifestFile> {
  using V = registry::ManifestFile;
  static constexpr std::string_view name = "ManifestFile";
  static constexpr auto fields = std::tuple{field(&V::rfilename, "rfilename", "The file."),
                                            field(&V::size, "size", "Its bytes."),
                                            field(&V::sha256, "sha256", "Their SHA-256."),
                                            field(&V::object_key, "object_key", "Its key in the object store."),
                                            field(&V::presigned_url, "presigned_url", "A signed URL to read it."),
                                            field(&V::updated_ts, "updated_ts", "The second of its last change."),
                                            field(&V::version, "version", "The version it is of; null: none.")};
};

template <>
struct Schema<registry::ManifestView> {
  using V = registry::ManifestView;
  static constexpr std::string_view name = "Manifest";
  static constexpr auto fields =
      std::tuple{field(&V::schema, "schema", "hf-model-manifest/v1."), field(&V::repo_id, "repo_id", "The model."),
                 field(&V::updated_ts, "updated_ts", "The second of the model's last change."),
                 field(&V::files, "files", "Ready files, one a name.")};
};

template <>
struct Schema<registry::PlatformItemView> {
  using V = registry::PlatformItemView;
  static constexpr std::string_view name = "PlatformItem";
  static constexpr auto fields =
      std::tuple{field(&V::repo_id, "repo_id", "The model."),
                 field(&V::allowed_from_ts, "allowed_from_ts", "The first second of the grant."),
                 field(&V::files, "files", "Its ready files, of every version.")};
};

template <>
struct Schema<registry::PlatformManifestView> {
  using V = registry::PlatformManifestView;
  static constexpr std::string_view name = "PlatformManifest";
  static constexpr auto fields =
      std::tuple{field(&V::schema, "schema", "hf-platform-manifest/v1."),
                 field(&V::generated_ts, "generated_ts", "Now."), field(&V::items, "items", "By repo_id.")};
};

}  // namespace toll::json
