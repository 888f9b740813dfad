#include "media/models.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"
#include "models/viewer.h"

namespace toll::media {

namespace {

constexpr std::size_t largest_manifest = 64 << 10;

Fault unusable(std::string why) {
  return Fault(Reason::model_unusable).with("why", std::move(why));
}

Result<std::string> text_of(const blob::Store& store, const models::ServedFile& file) {
  if (file.size > largest_manifest) return unusable("its media.json is larger than 64 KiB");
  const auto content = store.open(file.digest);
  if (!content) return unusable("its media.json is missing");
  std::string text(file.size, '\0');
  const auto got = (*content)->read_at(0, std::as_writable_bytes(std::span(text)));
  if (got != text.size() || sha256(text) != file.digest) return unusable("its media.json is damaged");
  return text;
}

}  // namespace

Models::Models(const Clock& clock, const blob::Store& store)
    : clock_(clock), store_(store), catalogue_(clock), serving_(clock, catalogue_, store) {}

std::vector<Assignment> Models::list(sql::Tx& tx) const {
  std::vector<Assignment> out;
  for (const auto& row : tx.query("SELECT role, repo_id, version, assigned_at FROM media_models ORDER BY role"))
    if (const auto role = forensics::role_of(row.text(0)))
      out.push_back({*role, row.text(1), row.text(2), row.time(3)});
  return out;
}

Result<Found> Models::described(models::Serving serving, forensics::Role role) const {
  const auto file = std::ranges::find(serving.files, manifest_file, &models::ServedFile::rfilename);
  if (file == serving.files.end()) return unusable("it has no media.json");
  auto manifest = TOLL_TRY(forensics::parse_manifest(TOLL_TRY(text_of(store_, *file))));
  if (manifest.task != role)
    return unusable(fmt::format("its media.json is for {}, not for {}", name_of(manifest.task), name_of(role)));
  auto target = TOLL_TRY(inference::target_of(std::move(serving), ""));
  return Found{std::move(target), std::move(manifest)};
}

Result<Found> Models::look(sql::Tx& tx, forensics::Role role, std::string_view repo_id,
                           std::string_view version) const {
  auto serving = TOLL_TRY(serving_.resolve(tx, models::Viewer::the_operator(), repo_id, version));
  return described(std::move(serving), role);
}

Assignment Models::assign(sql::Tx& tx, forensics::Role role, std::string_view repo_id, std::string_view version,
                          const identity::Actor& by) const {
  const auto now = clock_.now();
  tx.exec(
      "INSERT INTO media_models (role, repo_id, version, assigned_at) VALUES ($1, $2, $3, $4) ON CONFLICT (role) DO "
      "UPDATE SET repo_id = $2, version = $3, assigned_at = $4",
      name_of(role), repo_id, version, now);
  identity::audit(
      tx, now, by,
      {"media_model.assign", fmt::format("media_model:{}", name_of(role)), fmt::format("{} {}", repo_id, version)});
  return {role, std::string(repo_id), std::string(version), now};
}

bool Models::unassign(sql::Tx& tx, forensics::Role role, const identity::Actor& by) const {
  if (tx.exec("DELETE FROM media_models WHERE role = $1", name_of(role)) == 0) return false;
  identity::audit(tx, clock_.now(), by, {"media_model.unassign", fmt::format("media_model:{}", name_of(role)), ""});
  return true;
}

std::vector<Recorded> Models::now(sql::Tx& tx, ModelType type, const forensics::Checks& checks) const {
  std::vector<Recorded> out;
  const auto assigned = list(tx);
  for (const auto role : forensics::roles_of(type, checks)) {
    const auto found = std::ranges::find(assigned, role, &Assignment::role);
    if (found == assigned.end()) continue;
    const auto serving = serving_.resolve(tx, models::Viewer::the_operator(), found->repo_id, found->version);
    out.push_back(serving ? Recorded{role, found->repo_id, serving->version, serving->digest}
                          : Recorded{role, found->repo_id, found->version, ""});
  }
  return out;
}

Result<Found> Models::recorded(sql::Tx& tx, const Recorded& model) const {
  if (model.digest.empty()) return unusable("it was not there when the record was accepted");
  auto serving = serving_.recorded(tx, model.repo_id, model.version, model.digest);
  if (!serving) return unusable("it has gone or changed");
  return described(*std::move(serving), model.role);
}

}  // namespace toll::media
