#include "separations/trained.h"

#include <algorithm>
#include <vector>

#include "base/digest.h"
#include "engines/spleeter/import.h"
#include "models/viewer.h"

namespace toll::separations {

namespace {

namespace htdemucs = engines::htdemucs;

constexpr std::size_t largest_bundle = 64 << 10, shown_digits = 12;

Fault unusable(std::string why) {
  return Fault(Reason::model_unusable).with("why", std::move(why));
}

const models::ServedFile* file_of(const models::Serving& serving, std::string_view name) {
  const auto found = std::ranges::find(serving.files, name, &models::ServedFile::rfilename);
  return found == serving.files.end() ? nullptr : &*found;
}

Result<htdemucs::Bundle> read(const blob::Store& store, const models::ServedFile& file) {
  const auto content = store.open(file.digest);
  if (!content || file.size > largest_bundle) return unusable("its description is missing");
  std::string text(file.size, '\0');
  const auto got = (*content)->read_at(0, std::as_writable_bytes(std::span(text)));
  if (got != text.size() || sha256(text) != file.digest) return unusable("its description is damaged");
  return htdemucs::read_bundle(text);
}

}  // namespace

TrainedModels::TrainedModels(const Clock& clock, const blob::Store& store, std::function<bool()> runnable)
    : store_(store), catalogue_(clock), registry_(clock, catalogue_, store), runnable_(std::move(runnable)) {}

bool TrainedModels::can_run() const {
  std::call_once(asked_, [this] { can_run_ = runnable_ && runnable_(); });
  return can_run_;
}

Result<Trained> TrainedModels::described(models::Serving serving) const {
  const auto* spleeter = file_of(serving, engines::spleeter::bundle_file);
  const auto* file = spleeter ? spleeter : file_of(serving, htdemucs::bundle_file);
  if (!file) return unusable("it was not made by the import of a checkpoint");
  std::optional<htdemucs::Bundle> bundle;
  {
    std::lock_guard lock(mutex_);
    if (const auto known = bundles_.find(file->digest); known != bundles_.end()) bundle = known->second;
  }
  if (!bundle) {
    bundle = TOLL_TRY(read(store_, *file));
    std::lock_guard lock(mutex_);
    bundles_.emplace(file->digest, *bundle);
  }
  for (const auto& model : bundle->models) {
    const auto* there = file_of(serving, model.file);
    if (!there || hex(there->digest) != model.sha256) return unusable("a file of the model is missing");
  }
  const auto name = serving.repo_id.substr(serving.repo_id.rfind('/') + 1);
  auto served_by = name + "@" + bundle->weights_digest().substr(0, shown_digits);
  return Trained{std::move(serving), *std::move(bundle), std::move(served_by), spleeter ? "spleeter" : "htdemucs"};
}

std::optional<Trained> TrainedModels::installed(sql::Tx& tx, std::string_view name) const {
  const auto everything = models::Viewer::the_operator();
  const auto repo = std::string(models::builtin_author).append("/").append(name);
  const auto seen = catalogue_.find(tx, everything, repo);
  // What an account publishes under the system's name serves nobody else's jobs.
  if (!seen || seen->model.owner || !can_run()) return std::nullopt;
  auto serving = registry_.resolve(tx, everything, repo);
  if (!serving) return std::nullopt;
  auto trained = described(*std::move(serving));
  if (!trained) return std::nullopt;
  return *std::move(trained);
}

Result<Trained> TrainedModels::recorded(sql::Tx& tx, std::string_view repo_id, std::string_view version,
                                        std::string_view digest) const {
  return described(TOLL_TRY(registry_.recorded(tx, repo_id, version, digest)));
}

}  // namespace toll::separations
