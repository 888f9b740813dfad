#include "tollhouse/commands/models_import.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fstream>

#include "engines/htdemucs/bundle.h"
#include "engines/htdemucs/import.h"
#include "models/serving.h"
#include "tollhouse/commands/held_signals.h"
#include "tollhouse/commands/models_rules.h"

namespace toll::app {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
namespace htdemucs = engines::htdemucs;

constexpr std::size_t largest_bag = 64 << 10;
constexpr int sample_rate = 44100;

Fault refuse(std::string why) {
  return Fault(Reason::model_unusable).with("why", std::move(why));
}

// The file of a signature: 955717e8-8726e21a.th, or 955717e8.th.
Result<fs::path> file_of(const fs::path& folder, const std::string& signature) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto stem = entry.path().stem().string(), ending = entry.path().extension().string();
    const bool named = stem == signature || stem.starts_with(signature + "-");
    if (named && (ending == ".th" || ending == ".safetensors")) found.push_back(entry.path());
  }
  if (found.empty())
    return refuse(fmt::format("the bag's checkpoint {0} is not beside it, as {0}.th or {0}-XXXXXXXX.th", signature));
  std::ranges::sort(found);
  if (found.size() > 1)
    return refuse(fmt::format("the bag's checkpoint {} may be {} or {}", signature, found[0].filename().string(),
                              found[1].filename().string()));
  return found.front();
}

Result<Checkpoints> checkpoints_of(const fs::path& file) {
  const auto ending = file.extension();
  if (!fs::is_regular_file(file)) return refuse(file.filename().string() + " is no regular file");
  if (ending != ".yaml" && ending != ".yml") return Checkpoints{{file}, {}, {}};
  std::ifstream in(file, std::ios::binary);
  std::string yaml(largest_bag + 1, '\0');
  in.read(yaml.data(), static_cast<std::streamsize>(yaml.size()));
  yaml.resize(static_cast<std::size_t>(in.gcount()));
  auto bag = TOLL_TRY(htdemucs::read_bag(yaml));
  Checkpoints out{{}, std::move(bag.weights), bag.segment};
  for (const auto& signature : bag.models)
    out.files.push_back(TOLL_TRY(file_of(fs::absolute(file).parent_path(), signature)));
  return out;
}

// Whether these bytes are those that the authors publish: as sure as the digits of the names are.
const htdemucs::PublishedModel* published_with(const std::vector<htdemucs::BundleModel>& models) {
  for (const auto& candidate : htdemucs::published_models())
    if (std::ranges::equal(candidate.files, models, [](std::string_view file, const htdemucs::BundleModel& model) {
          return htdemucs::name_fits_digest(file, model.source_sha256);
        }))
      return &candidate;
  return nullptr;
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> stems_of(std::string_view name) {
  if (name == "htdemucs_6s") return {"bass", "drums", "guitar", "other", "piano", "vocals"};
  return {"bass", "drums", "other", "vocals"};
}

std::string name_for(const htdemucs::Bundle& bundle, const std::string& given) {
  if (!given.empty()) return given;
  if (bundle.sources.size() == 6) return "htdemucs_6s";
  return bundle.models.size() > 1 ? "htdemucs_ft" : "htdemucs";
}

std::string repo_of(std::string_view name) {
  return fmt::format("{}/{}", models::builtin_author, name);
}

// What will be stored.
struct Converted {
  htdemucs::Bundle bundle;
  std::int64_t segment_frames = 0;
  std::vector<models::SnapshotFile> files;
};

Result<void> convert(blob::Store& store, const fs::path& path, std::optional<double> segment, Converted& out) {
  const auto shown = path.filename().string();
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Fault(Reason::not_found).because("cannot read " + path.string());
  const std::unique_ptr<const int, void (*)(const int*)> closing(&fd, [](const int* open) { ::close(*open); });
  const auto scratch = TOLL_TRY(store.scratch());
  auto imported = htdemucs::import_checkpoint(fd, scratch->fd(), segment);
  if (!imported) return std::move(imported).error().because(shown);
  if (!htdemucs::name_fits_digest(shown, imported->source_sha256))
    return refuse(fmt::format("{} has another SHA-256 ({}) than its name says", shown, imported->source_sha256));
  const auto& hyper = imported->hyper;
  if (hyper.samplerate != sample_rate) return refuse(fmt::format("{} works at {} Hz", shown, hyper.samplerate));
  if (out.bundle.models.empty()) {
    out.bundle.sources = hyper.sources;
    out.segment_frames = hyper.segment_frames;
  }
  if (out.bundle.sources != hyper.sources || out.segment_frames != hyper.segment_frames)
    return refuse("the checkpoints of the bag do not fit together: " + shown + " has other stems or segments");
  const auto file = fmt::format("model{}.onnx", out.bundle.models.size());
  out.bundle.models.push_back({file, imported->model_sha256, shown, imported->source_sha256});
  std::shared_ptr<blob::Staged> staged = TOLL_TRY(scratch->seal());
  out.files.push_back({file, std::move(staged), {}});
  return {};
}

Result<void> check_weights(const htdemucs::Bundle& bundle) {
  if (bundle.weights.empty()) return {};
  for (const auto& row : bundle.weights)
    if (row.size() != bundle.sources.size())
      return refuse(
          fmt::format("the bag has {} weights a checkpoint, for {} stems", row.size(), bundle.sources.size()));
  for (std::size_t source = 0; source < bundle.sources.size(); ++source) {
    double sum = 0;
    for (const auto& row : bundle.weights) sum += row[source];
    if (sum <= 0) return refuse("the bag gives no checkpoint a weight for " + bundle.sources[source]);
  }
  return {};
}

Result<Converted> convert_all(const Console& console, blob::Store& store, const Checkpoints& checkpoints) {
  Converted out;
  ProgressBar bar(console, "import");
  for (std::size_t i = 0; i < checkpoints.files.size(); ++i) {
    if (auto done = convert(store, checkpoints.files[i], checkpoints.segment, out); !done)
      return std::move(done).error();
    bar.show(static_cast<double>(i + 1) / static_cast<double>(checkpoints.files.size()));
  }
  out.bundle.weights = checkpoints.weights;
  TOLL_TRY(check_weights(out.bundle));
  return out;
}

// Adds the description, and gives the version its name: what it was made of, and what was made.
Result<std::string> describe(blob::Store& store, Converted& converted) {
  const auto text = htdemucs::write_bundle(converted.bundle);
  const auto writer = TOLL_TRY(store.create());
  TOLL_TRY(writer->write(as_span(text)));
  std::shared_ptr<blob::Staged> staged = TOLL_TRY(writer->finish());
  const auto version =
      converted.bundle.weights_digest().substr(0, 12) + "-" + hex(staged->stored().digest).substr(0, 8);
  converted.files.push_back({std::string(htdemucs::bundle_file), std::move(staged), {}});
  return version;
}

models::Source source_of(const std::string& name, const htdemucs::Bundle& bundle) {
  models::Source source;
  auto& card = source.card;
  card.model_name = name;
  card.author = models::builtin_author;
  card.pipeline_tag = "audio-source-separation";
  card.engine = "separation";
  if (!bundle.licence.empty()) card.license = bundle.licence;
  std::string tags = "separation, htdemucs", files;
  for (const auto& model : bundle.models) {
    tags += ", source:" + model.source_sha256;
    files += fmt::format("{}{} (SHA-256 {})", files.empty() ? "" : ", ", model.source, model.source_sha256);
  }
  card.tags = std::move(tags);
  source.commit = bundle.weights_digest();
  source.notes = fmt::format("Made of {}. Licence: {}.", files, bundle.licence.empty() ? "not known" : bundle.licence);
  return source;
}

Result<models::Installed> keep(const House& house, blob::Store& store, const std::string& name,
                               const std::string& version, const Converted& converted) {
  const Rules rules(house);
  const models::ModelServing serving(rules.clock, rules.catalogue, store);
  const models::Installs installs(rules.catalogue, rules.snapshots, rules.publishing, serving);
  const auto repo = repo_of(name);
  const auto source = source_of(name, converted.bundle);
  const HeldSignals whole;
  return house.db.write(
      [&](sql::Tx& tx) { return installs.install(tx, repo, version, source, converted.files, rules.trace); });
}

std::string say(const Import& done) {
  const auto repo = repo_of(done.name);
  const auto& serving = done.installed.serving.version;
  if (!done.installed.made && serving != done.version)
    return fmt::format(
        "{} {} holds these weights already; nothing has changed, and {} serves.\n"
        "To let them serve: tollhouse models alias {} production {}",
        repo, done.version, serving, repo, done.version);
  if (!done.installed.made) return fmt::format("{} {} holds these weights already, and serves.", repo, done.version);
  auto text = fmt::format("{} {} holds the trained weights. Jobs for {} are served by it from now on.", repo,
                          done.version, done.name);
  if (done.installed.replaced)
    text += fmt::format("\nUntil now it was {0}. To go back: tollhouse models alias {1} production {0}",
                        *done.installed.replaced, repo);
  return text;
}

}  // namespace

std::string hint_for(const Fault& fault) {
  switch (fault.reason()) {
    case Reason::model_unusable:
      return "Nothing was stored. Take the file as its authors publish it, whole and under its own name.";
    case Reason::storage_full:
      return "Nothing was stored. Make room where the server keeps its data.";
    case Reason::repo_taken:
      return "Nothing was stored. An account has a model of this name: see tollhouse models list.";
    default:
      return "Nothing was stored.";
  }
}

Result<Import> import_checkpoints(const Console& console, const House& house, blob::Store& store,
                                  const Checkpoints& checkpoints, const std::string& given_name,
                                  const std::string& given_licence) {
  auto converted = TOLL_TRY(convert_all(console, store, checkpoints));
  auto& bundle = converted.bundle;
  Import done;
  done.name = name_for(bundle, given_name);
  if (sorted(bundle.sources) != stems_of(done.name))
    return refuse(fmt::format("{} separates other stems than {}", checkpoints.files[0].filename().string(), done.name));
  const auto* known = published_with(bundle.models);
  bundle.licence = known ? std::string(known->licence) : given_licence;
  done.version = TOLL_TRY(describe(store, converted));
  done.installed = TOLL_TRY(keep(house, store, done.name, done.version, converted));
  done.bundle = std::move(bundle);
  return done;
}

int show_import(const Console& console, const Import& done) {
  json::array sources, files;
  for (const auto& model : done.bundle.models) {
    sources.push_back(json::object{{"file", model.source}, {"sha256", model.source_sha256}});
    files.push_back(json::object{{"rfilename", model.file}, {"sha256", model.sha256}});
  }
  auto or_null = [](const std::string& text) { return text.empty() ? json::value() : json::value(json::string(text)); };
  const auto& serving = done.installed.serving.version;
  return console.show(say(done), json::object{{"repo_id", repo_of(done.name)},
                                              {"version", done.version},
                                              {"license", or_null(done.bundle.licence)},
                                              {"weights_sha256", done.bundle.weights_digest()},
                                              {"sources", std::move(sources)},
                                              {"files", std::move(files)},
                                              {"made", done.installed.made},
                                              {"serves", serving == done.version},
                                              {"production", or_null(serving)},
                                              {"replaced", or_null(done.installed.replaced.value_or(""))}});
}

int import_htdemucs(const Console& console, const House& house, blob::Store& store, const ImportHtdemucs& wanted) {
  const auto checkpoints = checkpoints_of(wanted.file);
  if (!checkpoints) return console.fail(checkpoints.error(), hint_for(checkpoints.error()));
  const auto done = import_checkpoints(console, house, store, *checkpoints, wanted.name, wanted.licence);
  if (!done) return console.fail(done.error(), hint_for(done.error()));
  return show_import(console, *done);
}

}  // namespace toll::app
