#include "tollhouse/commands/models.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fstream>

#include "base/text.h"
#include "models/names.h"
#include "models/serving.h"
#include "objects/digest_text.h"
#include "objects/sweeper.h"
#include "tollhouse/commands/models_files.h"
#include "tollhouse/commands/models_rules.h"
#include "tollhouse/hub/halves.h"

namespace toll::app {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::vector<models::Model> all_models(sql::Tx& tx, const Rules& registry) {
  std::vector<models::RepoKey> keys;
  models::ListQuery query{.limit = 500};
  for (;; query.offset += query.limit) {
    const auto page = registry.catalogue.list(tx, registry.everything, query);
    for (const auto& listed : page) keys.push_back(listed.key);
    if (static_cast<std::int64_t>(page.size()) < query.limit) break;
  }
  return registry.catalogue.models(tx, keys);
}

int no_such_model(const Console& console, const std::string& repo) {
  return console.fail(Fault(Reason::model_not_found).because(repo), "The models there are: tollhouse models list");
}

// A sum over everything that is read, as a bar.
class Reading {
 public:
  Reading(const Console& console, std::string label, std::uint64_t all) : bar_(console, std::move(label)), all_(all) {}
  void add(std::uint64_t bytes) {
    done_ += bytes;
    if (all_ > 0) bar_.show(static_cast<double>(done_) / static_cast<double>(all_));
  }

 private:
  ProgressBar bar_;
  std::uint64_t all_, done_ = 0;
};

// Reads a blob to its end; what is wrong with it, or nothing.
std::string read_through(const blob::Store& store, const models::File& file, Reading& reading,
                         const std::function<void(std::string_view)>& take) {
  const auto digest = objects::digest_from_text(file.sha256.value());
  const auto reader = store.open(digest);
  if (!reader) return "is missing";
  Sha256Stream hash;
  std::string piece(1 << 20, '\0');
  std::uint64_t at = 0;
  while (const auto got = (*reader)->read_at(at, std::as_writable_bytes(std::span(piece)))) {
    const auto bytes = std::string_view(piece).substr(0, got);
    hash.update(bytes);
    take(bytes);
    reading.add(got);
    at += got;
  }
  if (static_cast<std::int64_t>(at) != file.size) return "has another size";
  if (hash.finish() != digest) return "has other bytes";
  return {};
}

}  // namespace

int list_models(const Console& console, const House& house) {
  const Rules registry(house);
  std::vector<std::vector<std::string>> rows{
      {"MODEL", "PRODUCTION", "FILES", "OWNER", "ENGINE", "LICENSE", "COMMIT", "CHANGED"}};
  json::array list;
  std::map<models::RepoKey, std::string> production;
  const auto models = house.db.read([&](sql::Tx& tx) {
    production = registry.catalogue.pointed(tx, models::production);
    return all_models(tx, registry);
  });
  for (const auto& model : models) {
    const auto serves = production.find(model.key);
    const auto version = serves == production.end() ? std::nullopt : std::optional(serves->second);
    const auto changed = iso_seconds(Time(std::chrono::seconds(model.last_update_ts)));
    rows.push_back({model.repo_id, version.value_or("-"), std::to_string(model.file_count),
                    model.owner ? std::to_string(model.owner->value()) : "-", model.card.engine.value_or("-"),
                    model.card.license.value_or("-"), model.source_commit.value_or("-").substr(0, 12), changed});
    auto or_null = [](const auto& value) { return value ? json::value_from(*value) : json::value(nullptr); };
    list.push_back(json::object{{"repo_id", model.repo_id},
                                {"production", or_null(version)},
                                {"file_count", model.file_count},
                                {"owner", model.owner ? json::value(model.owner->value()) : json::value(nullptr)},
                                {"engine", or_null(model.card.engine)},
                                {"license", or_null(model.card.license)},
                                {"commit", or_null(model.source_commit)},
                                {"last_update_ts", model.last_update_ts}});
  }
  if (models.empty()) return console.show("There are no models.", list);
  return console.show(as_columns(rows), list);
}

int add_model(const Console& console, const House& house, blob::Store& store, const AddModel& wanted) {
  const Rules registry(house);
  if (const auto named = models::check_names(wanted.repo, wanted.version, wanted.engine); !named)
    return console.fail(named.error());
  const auto files = files_below(wanted.from);
  if (!files) return console.fail(files.error());
  if (const auto room = make_room_for(files->size()); !room) return console.fail(room.error());
  std::uint64_t all = 0;
  for (const auto& [name, path] : *files) all += fs::file_size(path);
  std::vector<models::SnapshotFile> staged;
  {
    Reading reading(console, wanted.repo, all);
    for (const auto& [name, path] : *files) {
      auto one = stage_file(store, path, [&](std::uint64_t bytes) { reading.add(bytes); });
      if (!one) return console.fail(one.error());
      staged.push_back({name, std::move(one->staged), {}});
    }
  }
  models::Source source;
  source.card.model_name = wanted.repo.substr(wanted.repo.rfind('/') + 1);
  source.card.license = wanted.license;
  source.card.engine = wanted.engine;
  const auto added = house.db.write(
      [&](sql::Tx& tx) { return registry.snapshots.add_version(tx, wanted.repo, wanted.version, source, staged); });
  if (!added) return console.fail(added.error());
  json::array list;
  for (const auto& file : staged)
    list.push_back(json::object{{"rfilename", file.rfilename},
                                {"size", file.staged->stored().size},
                                {"sha256", hex(file.staged->stored().digest)}});
  return console.show(
      fmt::format("{} {} holds {} files, {}.", wanted.repo, wanted.version, staged.size(), human_bytes(all)),
      json::object{{"repo_id", wanted.repo}, {"version", wanted.version}, {"files", list}});
}

int pull_model(const Console& console, const House& house, const blob::Store& store, const PullModel& wanted) {
  const Rules registry(house);
  const auto files = house.db.read([&](sql::Tx& tx) -> std::optional<std::vector<models::File>> {
    const auto seen = registry.catalogue.find(tx, registry.everything, wanted.repo);
    if (!seen) return std::nullopt;
    return registry.catalogue.manifest(
        tx, seen->model.key, wanted.version ? std::optional<std::string_view>(*wanted.version) : std::nullopt);
  });
  if (!files) return no_such_model(console, wanted.repo);
  if (files->empty()) return console.fail(fmt::format("{} has no such files", wanted.repo));
  std::uint64_t all = 0;
  for (const auto& file : *files) all += static_cast<std::uint64_t>(file.size.value_or(0));
  Reading reading(console, wanted.repo, all);
  json::array list;
  for (const auto& file : *files) {
    const auto path = wanted.to / file.rfilename;
    auto half = path;
    half += ".part";
    fs::create_directories(path.parent_path());
    std::ofstream out(half, std::ios::binary | std::ios::trunc);
    auto problem = read_through(store, file, reading, [&](std::string_view bytes) {
      out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    });
    out.close();
    if (problem.empty() && !out) problem = "cannot be written to " + path.string();
    if (!problem.empty()) {
      fs::remove(half);
      return console.fail(fmt::format("{} {}", file.rfilename, problem), "See: tollhouse models verify");
    }
    fs::rename(half, path);
    list.push_back(json::object{{"rfilename", file.rfilename}, {"sha256", *file.sha256}});
  }
  return console.show(fmt::format("{} files, {}, in {}.", files->size(), human_bytes(all), wanted.to.string()),
                      json::object{{"repo_id", wanted.repo}, {"to", wanted.to.string()}, {"files", list}});
}

int verify_models(const Console& console, const House& house, const blob::Store& store,
                  const std::optional<std::string>& repo) {
  const Rules registry(house);
  std::vector<std::pair<std::string, models::File>> files;
  const bool found = house.db.read([&](sql::Tx& tx) {
    std::vector<models::Model> models;
    if (!repo) models = all_models(tx, registry);
    if (repo)
      if (auto seen = registry.catalogue.find(tx, registry.everything, *repo)) models.push_back(seen->model);
    files.clear();
    for (const auto& model : models)
      for (auto& file : registry.catalogue.files(tx, model.key, std::nullopt))
        if (file.ready) files.emplace_back(model.repo_id, std::move(file));
    return !repo || !models.empty();
  });
  if (!found) return no_such_model(console, *repo);
  std::uint64_t all = 0;
  for (const auto& [name, file] : files) all += static_cast<std::uint64_t>(file.size.value_or(0));
  json::array broken;
  std::string text;
  {
    Reading reading(console, "verify", all);
    for (const auto& [name, file] : files) {
      const auto problem = read_through(store, file, reading, [](std::string_view) {});
      if (problem.empty()) continue;
      text += fmt::format("{} {} {}\n", name, file.rfilename, problem);
      broken.push_back(
          json::object{{"repo_id", name},
                       {"rfilename", file.rfilename},
                       {"version", file.version ? json::value(json::string(*file.version)) : json::value()},
                       {"problem", problem}});
    }
  }
  const bool whole = broken.empty();
  text += fmt::format("{} files, {}: {}", files.size(), human_bytes(all),
                      whole ? "all whole." : fmt::format("{} not whole.", broken.size()));
  console.show(text, json::object{{"files", files.size()}, {"bytes", all}, {"broken", broken}});
  return whole ? succeeded : failed;
}

int collect_garbage(const Console& console, const House& house, blob::Store& store, const fs::path& data,
                    std::chrono::hours upload_retention) {
  const Rules registry(house);
  const auto uploads = house.db.write(
      [&](sql::Tx& tx) { return registry.slots.sweep(tx, house.clock.now() - upload_retention, 10'000); });
  objects::Sweeper sweeper(house.db, store, house.clock, {});
  const auto swept = sweeper.sweep();
  const auto audited = sweeper.audit();
  const auto leftovers = store.remove_leftovers();
  const auto halves = hub::remove_halves(data);
  const auto bytes = swept.bytes + audited.bytes;
  return console.show(
      fmt::format(
          "Dropped {} blobs ({}), {} strays, {} uploads, {} leftovers and the halves of {} mirrors.{}", swept.blobs,
          human_bytes(bytes), audited.strays, uploads, leftovers, halves,
          audited.missing ? fmt::format("\n{} blobs are missing: tollhouse models verify", audited.missing) : ""),
      json::object{{"blobs", swept.blobs},
                   {"bytes", bytes},
                   {"strays", audited.strays},
                   {"uploads", uploads},
                   {"missing", audited.missing}});
}

}  // namespace toll::app
