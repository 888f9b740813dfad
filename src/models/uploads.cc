#include "models/uploads.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "models/names.h"
#include "models/refresh.h"
#include "models/rows.h"
#include "objects/digest_text.h"

namespace toll::models {

// A version that `by` may write to; its row is locked by whoever changes files.
struct Uploads::Target {
  Model model;
  Version version;
};

namespace {

using objects::SlotId;

struct FileRow {
  bool ready = false;
  std::optional<std::int64_t> size, declared_size;
  std::optional<std::string> sha256, declared_sha256;
};

std::optional<FileRow> file_row(sql::Tx& tx, RepoKey repo, VersionKey version, std::string_view rfilename) {
  const auto row = tx.one(
      "SELECT ready, size, sha256, declared_size, declared_sha256 FROM model_files WHERE repo = $1 AND rfilename = $2 "
      "AND "
      "version = $3",
      repo, rfilename, version);
  if (!row) return std::nullopt;
  return FileRow{row->boolean(0), row->maybe_integer(1), row->maybe_integer(3), row->maybe_text(2), row->maybe_text(4)};
}

// The rows of the uploads of a file, newest first.
std::vector<SlotId> uploads_of(sql::Tx& tx, VersionKey version, std::string_view rfilename) {
  std::vector<SlotId> out;
  for (const auto& row :
       tx.query("SELECT id FROM model_uploads WHERE version = $1 AND rfilename = $2 ORDER BY received "
                "DESC, created_at DESC, id",
                version, rfilename))
    out.emplace_back(row.text(0));
  return out;
}

bool is_digest(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdefABCDEF") == text.npos;
}

std::string digest_of(const objects::Object& object) {
  return objects::digest_text(object.digest);
}

// What a declaration says, once placeholders are taken out.
struct Claim {
  std::optional<std::int64_t> size;
  std::optional<std::string> sha256;
  std::vector<std::string> warnings;

  explicit Claim(const Declared& declared) {
    if (declared.sha256 && !is_digest(*declared.sha256)) {
      warnings.push_back("sha256 is not 64 hexadecimal digits: size and sha256 were taken as placeholders");
      return;
    }
    size = declared.size;
    if (declared.sha256) sha256 = lower(*declared.sha256);
  }

  Result<void> agrees(std::int64_t received, const std::string& digest) const {
    if (size && *size != received)
      return Fault(Reason::size_mismatch)
          .with("declared", std::to_string(*size))
          .with("received", std::to_string(received));
    if (sha256 && *sha256 != digest)
      return Fault(Reason::digest_mismatch).with("declared", *sha256).with("received", digest);
    return {};
  }
};

// Whether every part that is declared is the one that came.
bool same_parts(const std::vector<std::pair<int, std::string>>& declared, const std::vector<objects::Part>& parts) {
  return std::ranges::all_of(declared, [&](const auto& one) {
    const auto part = std::ranges::find(parts, one.first, &objects::Part::number);
    return part != parts.end() && digest_of(part->object) == one.second;
  });
}

AccessRow about(std::string_view repo_id, std::string_view version, std::string_view rfilename) {
  AccessRow row;
  row.repo_id = std::string(repo_id);
  row.version = std::string(version);
  row.rfilename = std::string(rfilename);
  return row;
}

}  // namespace

Uploads::Uploads(const Clock& clock, const Publishing& publishing, const Catalogue& catalogue, const Feed& feed,
                 const AccessLog& log, const objects::Objects& objects, const objects::Slots& slots, blob::Store& store,
                 UploadOptions options)
    : clock_(clock),
      publishing_(publishing),
      catalogue_(catalogue),
      feed_(feed),
      log_(log),
      objects_(objects),
      slots_(slots),
      store_(store),
      options_(options) {}

Result<Uploads::Target> Uploads::target(sql::Tx& tx, const Viewer& by, std::string_view repo_id,
                                        std::string_view version) const {
  auto model = TOLL_TRY(publishing_.writable(tx, by, repo_id));
  auto there = catalogue_.version(tx, model.key, version);
  if (!there) return Reason::version_not_found;
  return Target{std::move(model), *std::move(there)};
}

Result<Initiated> Uploads::initiate(sql::Tx& tx, const Viewer& by, const Initiate& wanted, const Trace& trace) const {
  const auto to = TOLL_TRY(target(tx, by, wanted.repo_id, wanted.version));
  lock_version(tx, to.version.key);
  const auto expires_at = clock_.now() + wanted.expires;
  if (wanted.upload_id) {
    const auto all = uploads_of(tx, to.version.key, wanted.rfilename);
    if (std::ranges::find(all, SlotId(*wanted.upload_id)) == all.end()) return Reason::upload_not_found;
    auto slot = slots_.get(tx, SlotId(*wanted.upload_id));
    if (!slot) return Reason::upload_not_found;
    if (slot->finished) return Reason::file_exists;
    slots_.extend(tx, slot->id, expires_at);
    tx.exec("UPDATE model_uploads SET expires_at = $2, lapsed = 0 WHERE id = $1 AND expires_at < $2", slot->id,
            expires_at);
    auto missing = slots_.missing_parts(tx, *slot);
    return Initiated{*std::move(slot), std::move(missing)};
  }
  objects::NewSlot fresh{.account = by.account,
                         .space = std::string(key_prefix),
                         .reference = std::to_string(to.version.key.value()),
                         .key = object_key(to.model.repo_id, to.version.version, wanted.rfilename),
                         .parts = wanted.parts,
                         .max_bytes = options_.max_bytes,
                         .expires_at = expires_at,
                         .expected_size = {},
                         .expected_digest = {}};
  if (const auto file = file_row(tx, to.model.key, to.version.key, wanted.rfilename); file && !file->ready) {
    if (file->declared_size) fresh.expected_size = static_cast<std::uint64_t>(*file->declared_size);
    if (file->declared_sha256) fresh.expected_digest = objects::digest_from_text(*file->declared_sha256);
  }
  auto slot = slots_.open(tx, fresh);
  tx.exec(
      "INSERT INTO model_uploads (id, repo, version, rfilename, account_id, expires_at, created_at) VALUES ($1, $2, "
      "$3, "
      "$4, $5, $6, $7)",
      slot.id, to.model.key, to.version.key, wanted.rfilename, by.account, expires_at, clock_.now());
  auto row = about(to.model.repo_id, to.version.version, wanted.rfilename);
  row.object_key = slot.key;
  log_.write(tx, trace, "upload_initiated", row);
  auto missing = slots_.missing_parts(tx, slot);
  return Initiated{std::move(slot), std::move(missing)};
}

// The bytes become the file's own, beside the slot's, and the slot takes nothing any more.
Result<void> Uploads::make_ready(sql::Tx& tx, const Target& to, std::string_view rfilename,
                                 const objects::Object& received) const {
  const objects::NewObject object{.account = to.model.owner.value_or(AccountId(0)),
                                  .role = std::string(objects_role),
                                  .owner = objects_owner(to.model.key, to.version.key),
                                  .name = std::string(rfilename)};
  TOLL_TRY(objects_.attach_copy(tx, received, object));
  const auto now = clock_.now();
  tx.exec(
      "INSERT INTO model_files (repo, rfilename, version, ready, size, sha256, object_key, updated_ts) VALUES ($1, $2, "
      "$3, 1, $4, $5, $6, $7) ON CONFLICT (repo, rfilename, version) DO UPDATE SET ready = 1, size = excluded.size, "
      "sha256 = excluded.sha256, declared_size = NULL, declared_sha256 = NULL, updated_ts = excluded.updated_ts",
      to.model.key, rfilename, to.version.key, received.size, digest_of(received),
      object_key(to.model.repo_id, to.version.version, rfilename), to_seconds(now));
  refresh_version(tx, to.version.key, now);
  refresh_repo(tx, to.model.key);
  tx.exec("UPDATE model_repos SET last_modified = $2 WHERE id = $1", to.model.key, now);
  feed_.touch(tx, to.model.key, Change::upload);
  return {};
}

// In a writing transaction, with the version's row locked.
Result<Completed> Uploads::settle(sql::Tx& tx, const Target& to, const Declared& declared,
                                  const std::optional<objects::Slot>& slot, const Trace& trace) const {
  const Claim claim(declared);
  const auto file = file_row(tx, to.model.key, to.version.key, declared.rfilename);
  const auto received = slot && !slot->finished ? slots_.received(tx, slot->id) : std::nullopt;
  Completed done;
  done.warnings = claim.warnings;
  if (!received && !(file && file->ready)) {
    tx.exec(
        "INSERT INTO model_files (repo, rfilename, version, ready, object_key, declared_size, declared_sha256, "
        "updated_ts) VALUES ($1, $2, $3, 0, $4, $5, $6, $7) ON CONFLICT (repo, rfilename, version) DO UPDATE SET "
        "declared_size = excluded.declared_size, declared_sha256 = excluded.declared_sha256, updated_ts = "
        "excluded.updated_ts",
        to.model.key, declared.rfilename, to.version.key,
        object_key(to.model.repo_id, to.version.version, declared.rfilename), claim.size, claim.sha256,
        to_seconds(clock_.now()));
    for (const auto& id : uploads_of(tx, to.version.key, declared.rfilename))
      slots_.expect(tx, id, claim.size ? std::optional(static_cast<std::uint64_t>(*claim.size)) : std::nullopt,
                    claim.sha256 ? std::optional(objects::digest_from_text(*claim.sha256)) : std::nullopt);
    done.size = claim.size;
    done.sha256 = claim.sha256;
    log_.write(tx, trace, "upload_pending", about(to.model.repo_id, to.version.version, declared.rfilename));
    return done;
  }
  const auto size = received ? static_cast<std::int64_t>(received->size) : *file->size;
  const auto digest = received ? digest_of(*received) : *file->sha256;
  TOLL_TRY(claim.agrees(size, digest));
  if (file && file->ready && *file->sha256 != digest) return Reason::file_exists;
  if (!(file && file->ready)) TOLL_TRY(make_ready(tx, to, declared.rfilename, *received));
  if (received) {
    slots_.finish(tx, slot->id);
    tx.exec("UPDATE model_uploads SET received = 0 WHERE id = $1", slot->id);
    auto row = about(to.model.repo_id, to.version.version, declared.rfilename);
    row.size = size;
    row.object_key = object_key(to.model.repo_id, to.version.version, declared.rfilename);
    log_.write(tx, trace, "upload_completed", row);
  }
  done.ready = true;
  done.size = size;
  done.sha256 = digest;
  done.verified = claim.sha256.has_value();
  return done;
}

Result<Completed> Uploads::complete(sql::Database& db, const Viewer& by, const Declared& declared,
                                    const Trace& trace) const {
  struct Plan {
    std::optional<objects::Slot> slot;
    std::vector<objects::Part> parts;  // to be joined
    std::vector<int> missing;
  };
  auto choose = [&](sql::Tx& tx, const Target& to) -> Result<Plan> {
    Plan plan;
    const auto all = uploads_of(tx, to.version.key, declared.rfilename);
    if (declared.upload_id && std::ranges::find(all, SlotId(*declared.upload_id)) == all.end())
      return Reason::upload_not_found;
    const auto id = declared.upload_id ? std::optional(SlotId(*declared.upload_id))
                    : all.empty()      ? std::nullopt
                                       : std::optional(all.front());
    if (id) plan.slot = slots_.get(tx, *id);
    if (plan.slot && plan.slot->parts > 0 && !plan.slot->finished && !slots_.received(tx, plan.slot->id)) {
      plan.missing = slots_.missing_parts(tx, *plan.slot);
      if (plan.missing.empty()) plan.parts = slots_.parts(tx, plan.slot->id);
      if (plan.missing.empty() && !same_parts(declared.parts, plan.parts)) return Reason::invalid_part;
    }
    return plan;
  };
  const auto plan = TOLL_TRY(db.read([&](sql::Tx& tx) -> Result<Plan> {
    const auto to = TOLL_TRY(target(tx, by, declared.repo_id, declared.version));
    return choose(tx, to);
  }));
  std::unique_ptr<blob::Staged> joined;
  if (!plan.parts.empty()) joined = TOLL_TRY(objects::Slots::join(store_, plan.parts));
  return db.write([&](sql::Tx& tx) -> Result<Completed> {
    const auto to = TOLL_TRY(target(tx, by, declared.repo_id, declared.version));
    lock_version(tx, to.version.key);
    auto now = TOLL_TRY(choose(tx, to));
    if (joined && now.slot && plan.slot && now.slot->id == plan.slot->id && !now.slot->finished &&
        !slots_.received(tx, now.slot->id)) {
      // What an earlier complete() expected is for this one to judge.
      slots_.expect(tx, now.slot->id, std::nullopt, std::nullopt);
      TOLL_TRY(slots_.keep(tx, now.slot->id, *joined));
    }
    auto done = TOLL_TRY(settle(tx, to, declared, now.slot, trace));
    if (!done.ready) done.missing_parts = now.missing;
    return done;
  });
}

Result<UploadStatus> Uploads::status(sql::Tx& tx, const Viewer& by, std::string_view repo_id, std::string_view version,
                                     std::string_view upload_id) const {
  const auto to = TOLL_TRY(target(tx, by, repo_id, version));
  const auto row =
      tx.one("SELECT rfilename FROM model_uploads WHERE id = $1 AND version = $2", upload_id, to.version.key);
  auto slot = row ? slots_.get(tx, SlotId(std::string(upload_id))) : std::nullopt;
  if (!slot) return Reason::upload_not_found;
  UploadStatus out{*slot, "initiated", row->text(0), slots_.parts(tx, slot->id), slots_.received(tx, slot->id)};
  const auto file = file_row(tx, to.model.key, to.version.key, out.rfilename);
  if (slot->finished)
    out.state = "ready";
  else if (out.received)
    out.state = "received";
  else if (file && !file->ready)
    out.state = "pending";
  return out;
}

Result<void> Uploads::abort(sql::Tx& tx, const Viewer& by, std::string_view repo_id, std::string_view version,
                            std::string_view upload_id, const Trace& trace) const {
  const auto to = TOLL_TRY(target(tx, by, repo_id, version));
  lock_version(tx, to.version.key);
  const auto row =
      tx.one("DELETE FROM model_uploads WHERE id = $1 AND version = $2 RETURNING rfilename", upload_id, to.version.key);
  if (!row) return Reason::upload_not_found;
  slots_.abort(tx, SlotId(std::string(upload_id)));
  refresh_version(tx, to.version.key, clock_.now());
  refresh_repo(tx, to.model.key);
  log_.write(tx, trace, "upload_aborted", about(to.model.repo_id, to.version.version, row->text(0)));
  return {};
}

Result<void> Uploads::landed(sql::Tx& tx, const objects::Slot& slot, const objects::Object& received) const {
  const auto row =
      tx.one("UPDATE model_uploads SET received = 1 WHERE id = $1 RETURNING repo, version, rfilename", slot.id);
  if (!row) return Reason::upload_not_found;
  const RepoKey repo(row->integer(0));
  const VersionKey version(row->integer(1));
  const auto& rfilename = row->text(2);
  lock_version(tx, version);
  const auto file = file_row(tx, repo, version, rfilename);
  if (!file || file->ready) return {};
  const auto digest = digest_of(received);
  if ((file->declared_size && *file->declared_size != static_cast<std::int64_t>(received.size)) ||
      (file->declared_sha256 && *file->declared_sha256 != digest))
    return Reason::bad_digest;
  const auto model = tx.one(fmt::format("SELECT {} FROM model_repos r WHERE r.id = $1", model_columns), repo);
  const auto name = tx.one("SELECT version FROM model_versions WHERE id = $1", version);
  Target to{model_of(model.value()), {}};
  to.version.key = version;
  to.version.version = name.value().text(0);
  TOLL_TRY(make_ready(tx, to, rfilename, received));
  slots_.finish(tx, slot.id);
  tx.exec("UPDATE model_uploads SET received = 0 WHERE id = $1", slot.id);
  log_.write(tx,
             {.actor = {slot.account, "signed_url", ""}, .key = {}, .remote = {}, .user_agent = {}, .request_id = {}},
             "upload_completed", about(to.model.repo_id, to.version.version, rfilename));
  return {};
}

std::size_t Uploads::tick(sql::Tx& tx, std::size_t limit) const {
  const auto now = clock_.now();
  const auto rows = tx.query(
      "UPDATE model_uploads SET lapsed = 1 WHERE id IN (SELECT id FROM model_uploads WHERE lapsed = 0 AND expires_at < "
      "$1 "
      "ORDER BY expires_at LIMIT $2) RETURNING repo, version",
      now, limit);
  for (const auto& row : rows) {
    refresh_version(tx, VersionKey(row.integer(1)), now);
    refresh_repo(tx, RepoKey(row.integer(0)));
  }
  return rows.size();
}

std::size_t Uploads::purge(sql::Tx& tx, std::size_t limit) const {
  const auto rows =
      tx.query("SELECT id, repo, version FROM model_uploads WHERE lapsed = 1 ORDER BY expires_at LIMIT $1", limit);
  std::size_t gone = 0;
  for (const auto& row : rows) {
    if (slots_.get(tx, SlotId(row.text(0)))) continue;
    tx.exec("DELETE FROM model_uploads WHERE id = $1", row.text(0));
    refresh_version(tx, VersionKey(row.integer(2)), clock_.now());
    refresh_repo(tx, RepoKey(row.integer(1)));
    ++gone;
  }
  return gone;
}

}  // namespace toll::models
