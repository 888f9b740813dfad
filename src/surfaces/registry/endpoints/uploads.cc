#include "surfaces/registry/endpoints/uploads.h"

#include "base/text.h"
#include "objects/digest_text.h"

namespace toll::registry {

namespace {

std::string etag_of(const objects::Object& object) {
  return "\"" + objects::digest_text(object.digest) + "\"";
}

std::string_view unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) etag = etag.substr(1, etag.size() - 2);
  return etag;
}

}  // namespace

Result<InitiatedView> InitiateUpload::handle(Call& call, const Request& in) {
  const Signer signer(call, in.expires.value_or(call.house.presign_seconds));
  const models::Initiate wanted{.repo_id = in.repo,
                                .version = in.version,
                                .rfilename = in.filename.text,
                                .expires = signer.expires(),
                                .parts = static_cast<int>(in.parts.value_or(0)),
                                .upload_id = in.upload_id};
  const auto made = TOLL_TRY(told(call, "upload_initiated", in.repo,
                                  call.house.uploads.initiate(call.tx(), viewer(call), wanted, trace(call))));
  InitiatedView out{.object_key = made.slot.key,
                    .url = {},
                    .expires_in = signer.expires().count(),
                    .upload_id = made.slot.id.value(),
                    .parts = {}};
  const auto& urls = call.house.urls;
  if (made.slot.parts == 0) {
    out.url = urls.write(signer.origin(), made.slot, signer.expires());
    return out;
  }
  out.parts.emplace();
  for (auto number : made.parts)
    out.parts->push_back({number, urls.write_part(signer.origin(), made.slot, number, signer.expires())});
  return out;
}

Result<CompletedView> CompleteUpload::handle(Call& call, const Request& in) {
  models::Declared declared{.repo_id = in.repo,
                            .version = in.version,
                            .rfilename = in.rfilename.text,
                            .size = in.size,
                            .sha256 = in.sha256,
                            .upload_id = in.upload_id,
                            .parts = {}};
  if (in.parts)
    for (const auto& part : *in.parts)
      declared.parts.emplace_back(static_cast<int>(part.part_number), lower(unquoted(part.etag)));
  auto done = TOLL_TRY(told(call, "upload_completed", in.repo,
                            call.house.uploads.complete(call.house.db, viewer(call), declared, trace(call))));
  CompletedView out{.ok = true,
                    .status = done.ready ? "ready" : "pending",
                    .size = done.size,
                    .sha256 = std::move(done.sha256),
                    .verified = done.verified,
                    .warnings = {},
                    .missing_parts = {}};
  if (!done.warnings.empty()) out.warnings = std::move(done.warnings);
  if (!done.missing_parts.empty()) out.missing_parts.emplace(done.missing_parts.begin(), done.missing_parts.end());
  return out;
}

Result<UploadView> GetUpload::handle(Call& call, const Request& in) {
  const auto status = TOLL_TRY(call.house.uploads.status(call.tx(), viewer(call), in.repo, in.version, in.upload_id));
  UploadView out{.upload_id = status.slot.id.value(),
                 .rfilename = status.rfilename,
                 .object_key = status.slot.key,
                 .state = status.state,
                 .size = {},
                 .sha256 = {},
                 .parts = {},
                 .expires_at = models::to_seconds(status.slot.expires_at)};
  if (status.received) {
    out.size = static_cast<std::int64_t>(status.received->size);
    out.sha256 = objects::digest_text(status.received->digest);
  }
  for (const auto& part : status.parts)
    out.parts.push_back({part.number, static_cast<std::int64_t>(part.object.size), etag_of(part.object)});
  return out;
}

}  // namespace toll::registry
