#include "surfaces/registry/endpoints/files.h"

namespace toll::registry {

namespace {

models::AccessRow row_of(std::string_view event, std::string_view repo_id, std::int64_t urls) {
  models::AccessRow row;
  row.event = std::string(event);
  if (!repo_id.empty()) row.repo_id = std::string(repo_id);
  row.urls = urls;
  return row;
}

// Each file with its URL, if URLs are wanted; counts those that were signed.
std::vector<FileView> file_views(const std::vector<models::File>& files, const Signer* signer, std::int64_t& urls) {
  std::vector<FileView> out;
  out.reserve(files.size());
  for (const auto& file : files) {
    auto url = signer ? signer->read_if_there(file) : std::nullopt;
    urls += url ? 1 : 0;
    out.push_back(view(file, std::move(url)));
  }
  return out;
}

}  // namespace

Result<models::Seen> readable(const Call& call, std::string_view repo_id) {
  auto seen = call.house.catalogue.find(call.tx(), viewer(call), repo_id);
  if (!seen) return Reason::model_not_found;
  if (!seen->rights.files) return Reason::model_not_permitted;
  return *std::move(seen);
}

Result<ListFiles::Response> ListFiles::handle(Call& call, const Request& in) {
  const auto seen = TOLL_TRY(told(call, models::event_files_list, in.repo, readable(call, in.repo)));
  const Signer signer(call, life(call, in.expires));
  std::int64_t urls = 0;
  auto out = file_views(call.house.catalogue.files(call.tx(), seen.model.key, named(in.version)),
                        wanted(in.presign) ? &signer : nullptr, urls);
  note(call, row_of(models::event_files_list, in.repo, urls));
  return out;
}

Result<GetManifest::Response> GetManifest::handle(Call& call, const Request& in) {
  const auto seen = TOLL_TRY(told(call, models::event_manifest, in.repo, readable(call, in.repo)));
  const Signer signer(call, life(call, in.expires));
  std::int64_t urls = 0;
  ManifestView out{"hf-model-manifest/v1", seen.model.repo_id, seen.model.last_update_ts, {}};
  for (auto& file : call.house.catalogue.manifest(call.tx(), seen.model.key, named(in.version))) {
    auto url = wanted(in.presign) ? signer.read_if_there(file) : std::nullopt;
    urls += url ? 1 : 0;
    out.files.push_back({.rfilename = std::move(file.rfilename),
                         .size = file.size.value(),
                         .sha256 = *std::move(file.sha256),
                         .object_key = std::move(file.object_key),
                         .presigned_url = std::move(url),
                         .updated_ts = file.updated_ts,
                         .version = std::move(file.version)});
  }
  note(call, row_of(models::event_manifest, in.repo, urls));
  return out;
}

// The path can be split in several ways: the first one that leads to a file of a model that the caller sees.
Result<DownloadFile::Response> DownloadFile::handle(Call& call, const Request& in) {
  for (const auto& [repo_id, rfilename] : download_paths(call.request.path)) {
    const auto seen = call.house.catalogue.find(call.tx(), viewer(call), repo_id);
    if (!seen) continue;
    const auto file = call.house.catalogue.file(call.tx(), seen->model.key, rfilename, named(in.version));
    if (!file) continue;
    if (!seen->rights.files)
      return told(call, models::event_download, repo_id, Result<Response>(Reason::model_not_permitted));
    if (!file->ready || !call.house.store.exists(objects::digest_from_text(file->sha256.value())))
      return Fault(Reason::object_not_accessible).with("key", file->object_key);
    const Signer signer(call, life(call, in.expires));
    auto row = row_of(models::event_download, repo_id, 1);
    row.rfilename = rfilename;
    row.version = file->version;
    row.object_key = file->object_key;
    row.size = file->size;
    note(call, std::move(row));
    return DownloadView{.repo_id = repo_id,
                        .rfilename = rfilename,
                        .size = file->size.value(),
                        .sha256 = file->sha256.value(),
                        .object_key = file->object_key,
                        .url = signer.read(file->object_key),
                        .expires_in = signer.expires().count(),
                        .version = file->version};
  }
  return Reason::file_not_found;
}

Result<GetPlatformManifest::Response> GetPlatformManifest::handle(Call& call, const Request& in) {
  PlatformManifestView out{"hf-platform-manifest/v1", models::to_seconds(call.now), {}};
  // An administrator has no grants of a platform's kind to list.
  if (call.who->role != identity::Role::platform) return out;
  const Signer signer(call, life(call, in.expires));
  std::int64_t urls = 0;
  for (auto& item : call.house.catalogue.platform(call.tx(), call.account(), in.limit, in.offset.value_or(0)))
    out.items.push_back({std::move(item.repo_id), item.allowed_from_ts,
                         file_views(item.files, wanted(in.presign) ? &signer : nullptr, urls)});
  note(call, row_of(models::event_manifest, "", urls));
  return out;
}

}  // namespace toll::registry
