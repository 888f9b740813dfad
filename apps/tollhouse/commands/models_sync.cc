#include "tollhouse/commands/models_sync.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <mutex>
#include <thread>
#include <vector>

#include "base/random.h"
#include "models/catalogue.h"
#include "models/names.h"
#include "models/snapshots.h"
#include "tollhouse/commands/models_files.h"
#include "tollhouse/hub/halves.h"

namespace toll::app {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using models::SnapshotFile;

// What is to be mirrored, from wherever.
struct Snapshot {
  models::Source source;
  std::vector<hub::File> files;
  std::uint64_t bytes = 0;
};

// Draws from any thread.
class SharedBar {
 public:
  SharedBar(const Console& console, std::string label, std::uint64_t all)
      : bar_(console, std::move(label)), all_(all) {}
  void add(std::int64_t bytes) {
    std::lock_guard lock(mutex_);
    done_ += bytes;
    if (all_ > 0) bar_.show(static_cast<double>(done_) / static_cast<double>(all_));
  }

 private:
  std::mutex mutex_;
  ProgressBar bar_;
  std::uint64_t all_;
  std::int64_t done_ = 0;
};

// Runs work(i) for every i on some threads, until one fails; the first fault.
Result<void> for_all(std::size_t count, int threads, const std::function<Result<void>(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::optional<Fault> first;
  std::exception_ptr thrown;
  auto run = [&] {
    for (std::size_t i; (i = next++) < count;) {
      try {
        auto done = work(i);
        if (done) continue;
        std::lock_guard lock(mutex);
        if (!first) first = std::move(done).error();
      } catch (...) {
        std::lock_guard lock(mutex);
        if (!thrown) thrown = std::current_exception();
      }
      next = count;
    }
  };
  {
    std::vector<std::jthread> pool;
    for (int i = 0; i < std::max(threads, 1); ++i) pool.emplace_back(run);
  }
  if (thrown) std::rethrow_exception(thrown);
  if (first) return *first;
  return {};
}

Result<Snapshot> look_at_hub(const hub::Client& client, const SyncModel& wanted) {
  Snapshot out;
  out.source = TOLL_TRY(client.resolve(wanted.repo, wanted.revision));
  for (auto& file : TOLL_TRY(client.files(wanted.repo, *out.source.commit))) {
    if (hub::is_debris(file.path) || !wanted.selection.wants(file.path)) continue;
    if (const auto problem = models::file_name_problem(file.path))
      return Fault(Reason::upstream_failed).because(fmt::format("the file name {} {}", file.path, *problem));
    out.bytes += file.size;
    out.files.push_back(std::move(file));
  }
  if (out.files.empty()) return Fault(Reason::not_found).because("no file of this revision is wanted");
  return out;
}

bool is_the_one(const hub::File& file, const StagedFile& staged) {
  const auto& stored = staged.staged->stored();
  return stored.size == file.size && (file.sha256 ? stored.digest == *file.sha256 : staged.git_blob == file.git_blob);
}

// Its bytes, fetched and checked. A half that turns out wrong is fetched once more from the beginning.
Result<std::shared_ptr<blob::Staged>> fetch(const hub::Client& client, blob::Store& store, const SyncModel& wanted,
                                            const std::string& commit, const hub::File& file, const fs::path& part,
                                            SharedBar& bar) {
  for (int attempt = 1;; ++attempt) {
    TOLL_TRY(client.download(wanted.repo, commit, file, part, [&](std::int64_t bytes) { bar.add(bytes); }));
    auto staged = TOLL_TRY(stage_file(store, part, [](std::uint64_t) {}));
    if (is_the_one(file, staged)) return std::move(staged.staged);
    fs::remove(part);
    if (attempt == 2)
      return Fault(Reason::digest_mismatch)
          .with("declared", file.sha256 ? hex(*file.sha256) : "Git blob " + file.git_blob)
          .with("received", hex(staged.staged->stored().digest))
          .because(file.path);
    bar.add(-static_cast<std::int64_t>(file.size));
  }
}

struct Mirrored {
  std::vector<SnapshotFile> files;
  std::size_t fetched = 0;
};

Result<Mirrored> mirror_hub(const Console& console, const House& house, blob::Store& store,
                            const models::Snapshots& snapshots, const SyncModel& wanted, const hub::Client& client,
                            const Snapshot& snapshot, const hub::Halves& halves) {
  Mirrored out;
  out.files.resize(snapshot.files.size());
  SharedBar bar(console, wanted.repo, snapshot.bytes);
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < snapshot.files.size(); ++i) {
    const auto& file = snapshot.files[i];
    out.files[i].rfilename = file.path;
    if (file.sha256 && store.exists(*file.sha256) &&
        house.db.read([&](sql::Tx& tx) { return snapshots.holds(tx, *file.sha256); })) {
      out.files[i].held = file.sha256;
      bar.add(static_cast<std::int64_t>(file.size));
    } else {
      missing.push_back(i);
    }
  }
  TOLL_TRY(make_room_for(missing.size()));
  const auto work = [&](std::size_t n) -> Result<void> {
    const auto& file = snapshot.files[missing[n]];
    const auto& commit = *snapshot.source.commit;
    out.files[missing[n]].staged =
        TOLL_TRY(fetch(client, store, wanted, commit, file, halves.part(commit, file.path), bar));
    return {};
  };
  TOLL_TRY(for_all(missing.size(), wanted.parallel, work));
  out.fetched = missing.size();
  return out;
}

Result<Mirrored> mirror_folder(const Console& console, blob::Store& store, const SyncModel& wanted) {
  Mirrored out;
  std::uint64_t all = 0;
  auto files = TOLL_TRY(files_below(wanted.from));
  std::erase_if(files, [&](const auto& file) { return !wanted.selection.wants(file.first); });
  if (files.empty()) return Fault(Reason::not_found).because("no file of the folder is wanted");
  TOLL_TRY(make_room_for(files.size()));
  for (const auto& [name, path] : files) all += fs::file_size(path);
  SharedBar bar(console, wanted.repo, all);
  out.files.resize(files.size());
  out.fetched = files.size();
  const auto work = [&](std::size_t i) -> Result<void> {
    auto staged = TOLL_TRY(
        stage_file(store, files[i].second, [&](std::uint64_t bytes) { bar.add(static_cast<std::int64_t>(bytes)); }));
    out.files[i] = {files[i].first, std::move(staged.staged), {}};
    return {};
  };
  TOLL_TRY(for_all(files.size(), wanted.parallel, work));
  return out;
}

// Before anything is fetched: the name may be an account's.
Result<void> may_mirror(sql::Tx& tx, const models::Catalogue& catalogue, const std::string& repo) {
  TOLL_TRY(models::check_names(repo, std::nullopt, std::nullopt));
  const auto seen = catalogue.find(tx, models::Viewer::the_operator(), repo);
  if (seen && seen->model.owner) return Fault(Reason::repo_taken).because(repo);
  return {};
}

int show_done(const Console& console, const SyncModel& wanted, const models::Source& source, const Mirrored& mirrored) {
  json::array files;
  std::uint64_t staged_bytes = 0;
  for (const auto& file : mirrored.files) {
    const auto digest = file.staged ? file.staged->stored().digest : *file.held;
    if (file.staged) staged_bytes += file.staged->stored().size;
    files.push_back(json::object{{"rfilename", file.rfilename}, {"sha256", hex(digest)}});
  }
  const auto commit = source.commit.value_or("");
  return console.show(fmt::format("{}{} holds {} verified files; {} were fetched ({}).", wanted.repo,
                                  commit.empty() ? "" : " at " + commit.substr(0, 12), files.size(), mirrored.fetched,
                                  human_bytes(staged_bytes)),
                      json::object{{"repo_id", wanted.repo},
                                   {"commit", commit.empty() ? json::value() : json::value(json::string(commit))},
                                   {"fetched", mirrored.fetched},
                                   {"files", files}});
}

}  // namespace

int sync_model(const Console& console, const House& house, blob::Store& store, const SyncModel& wanted) {
  SystemRandom random;
  const objects::Objects objects(house.clock, random);
  const models::Catalogue catalogue(house.clock);
  const models::Feed feed(house.clock);
  const models::Snapshots snapshots(house.clock, catalogue, feed, objects);
  if (auto may = house.db.read([&](sql::Tx& tx) { return may_mirror(tx, catalogue, wanted.repo); }); !may)
    return console.fail(may.error());
  auto halves = hub::Halves::open(wanted.data, wanted.repo);
  if (!halves) return console.fail(fmt::format("{} is being synced by another process", wanted.repo));

  models::Source source;
  Result<Mirrored> mirrored = Reason::internal;
  if (!wanted.from.empty()) {
    source.card.model_name = wanted.repo.substr(wanted.repo.rfind('/') + 1);
    mirrored = mirror_folder(console, store, wanted);
  } else {
    const hub::Client client(wanted.hub);
    auto snapshot = look_at_hub(client, wanted);
    if (!snapshot) return console.fail(snapshot.error());
    source = snapshot->source;
    mirrored = mirror_hub(console, house, store, snapshots, wanted, client, *snapshot, *halves);
  }
  if (!mirrored) return console.fail(mirrored.error(), "What was fetched is kept: the same command goes on.");
  auto replaced =
      house.db.write([&](sql::Tx& tx) { return snapshots.replace(tx, wanted.repo, source, mirrored->files); });
  if (!replaced) return console.fail(replaced.error());
  halves->remove();
  return show_done(console, wanted, source, *mirrored);
}

}  // namespace toll::app
