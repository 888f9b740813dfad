#include "tollhouse/commands/models_pull.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <system_error>

#include "config/check.h"
#include "engines/htdemucs/import.h"
#include "engines/onnx/mapped_file.h"
#include "tollhouse/commands/models_import.h"
#include "tollhouse/hub/fetch.h"
#include "tollhouse/hub/halves.h"
#include "tollhouse/transfer_line.h"

namespace toll::app {

namespace {

namespace fs = std::filesystem;
namespace htdemucs = engines::htdemucs;
using Steady = std::chrono::steady_clock;

const htdemucs::PublishedModel* published(std::string_view name) {
  const auto all = htdemucs::published_models();
  const auto found = std::ranges::find(all, name, &htdemucs::PublishedModel::name);
  return found == all.end() ? nullptr : &*found;
}

Result<std::string> sha256_of(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "open " + path.string());
  const std::unique_ptr<const int, void (*)(const int*)> closing(&fd, [](const int* open) { ::close(*open); });
  const auto file = TOLL_TRY(engines::onnx::MappedFile::open(fd));
  return engines::onnx::file_digest(file.bytes());
}

Result<void> check_digest(const std::string& file, const fs::path& path) {
  const auto digest = TOLL_TRY(sha256_of(path));
  if (htdemucs::name_fits_digest(file, digest)) return {};
  return Fault(Reason::model_unusable)
      .with("why", fmt::format("what came as {} has another SHA-256 ({}) than its name says", file, digest));
}

class Puller {
 public:
  Puller(const Console& console, const PullHtdemucs& wanted, const hub::Halves& halves)
      : console_(console), wanted_(wanted), halves_(halves) {}

  // The whole, checked file; at once where an earlier call has it already.
  Result<fs::path> pull(const std::string& file) const {
    const auto whole = halves_.folder() / file;
    if (fs::exists(whole) && check_digest(file, whole)) return whole;
    const auto part = halves_.part("", file);
    const hub::Fetch fetch{fmt::format("{}/{}{}", wanted_.base_url, htdemucs::published_folder, file), part,
                           wanted_.most_bytes, wanted_.most_time};
    for (;;) {
      const bool old = TOLL_TRY(download(file, fetch));
      auto right = check_digest(file, part);
      if (right) break;
      fs::remove(part);
      // The old beginning may have been of other bytes.
      if (!old) return std::move(right).error().because(fetch.url);
    }
    fs::rename(part, whole);
    return whole;
  }

 private:
  Result<bool> download(const std::string& file, const hub::Fetch& fetch) const {
    TransferLine line(console_, file, Steady::now());
    const hub::Watch watch{
        .arrived = [&](std::uint64_t done, std::optional<std::uint64_t> all) { line.show(done, all, Steady::now()); },
        .waiting =
            [&](const std::string& why, std::chrono::milliseconds pause) {
              line.note(fmt::format("{}; again in {:.1f} s", why, static_cast<double>(pause.count()) / 1000));
            }};
    auto fetched = hub::fetch(wanted_.hub, fetch, watch);
    if (fetched) line.finish(Steady::now());
    return fetched;
  }

  const Console& console_;
  const PullHtdemucs& wanted_;
  const hub::Halves& halves_;
};

int no_base_url(const Console& console, const htdemucs::PublishedModel& model) {
  return console.fail(
      "models.base_url is not set, so nothing says where trained models are published",
      fmt::format(
          "Set it to the URL below which {}{} is, in the configuration file or as TOLLHOUSE_MODELS_BASE_URL, or "
          "say --base-url URL.\nA file that is here already: tollhouse models import htdemucs FILE",
          htdemucs::published_folder, model.files.front()));
}

std::string hint_for_download(const Fault& fault, const PullHtdemucs& wanted) {
  switch (fault.reason()) {
    case Reason::not_found:
      return fmt::format("Nothing was stored. Is models.base_url right? It is {} now.", wanted.base_url);
    case Reason::model_unusable:
      return "Nothing was stored. What came was dropped. Is models.base_url the authors' own place, or a true copy of it?";
    case Reason::storage_full:
      return fmt::format("Nothing was stored. Make room in {}: the same command goes on.", wanted.data.string());
    default:
      return "Nothing was stored. The same command goes on with what has come, if anything has.";
  }
}

}  // namespace

bool is_published(const std::string& name) {
  return published(name) != nullptr;
}

int pull_htdemucs(const Console& console, const House& house, blob::Store& store, const PullHtdemucs& wanted) {
  const auto& model = *published(wanted.name);
  if (wanted.base_url.empty()) return no_base_url(console, model);
  if (const auto problem = config::is_base_url(wanted.base_url); !problem.empty())
    return console.fail(fmt::format("the base URL {} {}", wanted.base_url, problem));
  Checkpoints checkpoints;
  std::vector<std::string> files(model.files.begin(), model.files.end());
  if (!wanted.files.empty()) files = wanted.files;
  for (const auto& file : files)
    if (!htdemucs::promises_digest(file))
      return console.fail(file + " does not say what it holds",
                          "A published file is called like 955717e8-8726e21a.th, with the beginning of its SHA-256.");
  if (wanted.files.empty() && !model.bag.empty()) {
    auto bag = htdemucs::read_bag(model.bag);
    if (!bag) return console.fail(bag.error());
    checkpoints.weights = std::move(bag->weights);
    checkpoints.segment = bag->segment;
  }
  auto halves = hub::Halves::open(wanted.data, "pull " + wanted.name);
  if (!halves) return console.fail(wanted.name + " is being pulled by another process");
  const Puller puller(console, wanted, *halves);
  for (const auto& file : files) {
    auto path = puller.pull(file);
    if (!path) return console.fail(path.error(), hint_for_download(path.error(), wanted));
    checkpoints.files.push_back(*std::move(path));
  }
  const auto done = import_checkpoints(console, house, store, checkpoints, wanted.name, {});
  // What is right by its name and yet no such model will not be another one the next time.
  if (done || done.error().reason() == Reason::model_unusable) halves->remove();
  if (!done) return console.fail(done.error(), hint_for(done.error()));
  return show_import(console, *done);
}

}  // namespace toll::app
