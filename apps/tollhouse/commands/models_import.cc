#include "tollhouse/commands/models_import.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fstream>

#include "base/random.h"
#include "engines/htdemucs/bundle.h"
#include "engines/htdemucs/import.h"
#include "models/catalogue.h"
#include "models/serving.h"
#include "models/snapshots.h"

namespace toll::app {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
namespace htdemucs = engines::htdemucs;

constexpr std::uint64_t largest_checkpoint = std::uint64_t{4} << 30;
constexpr std::size_t largest_bag = 64 << 10;
constexpr int sample_rate = 44100;

Fault refuse(std::string why) {
  return Fault(Reason::model_unusable).with("why", std::move(why));
}

// The files of one model and how they go together.
struct Checkpoints {
  std::vector<fs::path> files;
  std::vector<std::vector<double>> weights;
  std::optional<double> segment;
};

// The file of a signature: 955717e8-8726e21a.th, or 955717e8.th.
Result<fs::path> file_of(const fs::path& folder, const std::string& signature) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto stem = entry.path().stem().string(), ending = entry.path().extension().string();
    const bool named = stem == signature || stem.starts_with(signature + "-");
    if (named && (ending == ".th" || ending == ".safetensors")) found.push_back(entry.path());
  }
  if (found.empty()) return refuse(fmt::format("the bag's checkpoint {} is not beside it", signature));
  std::ranges::sort(found);
  return found.front();
}

Result<Checkpoints> checkpoints_of(const fs::path& file) {
  const auto ending = file.extension();
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

const htdemucs::PublishedModel* published(std::string_view name) {
  const auto all = htdemucs::published_models();
  const auto found = std::ranges::find(all, name, &htdemucs::PublishedModel::name);
  return found == all.end() ? nullptr : &*found;
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

// What will be stored.
struct Converted {
  htdemucs::Bundle bundle;
  std::int64_t segment_frames = 0;
  std::vector<models::SnapshotFile> files;
};

Result<void> convert(blob::Store& store, const fs::path& path, std::optional<double> segment, Converted& out) {
  const auto shown = path.filename().string();
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
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
    return refuse("the checkpoints of the bag do not fit together");
  const auto file = fmt::format("model{}.onnx", out.bundle.models.size());
  out.bundle.models.push_back({file, imported->model_sha256, shown, imported->source_sha256});
  std::shared_ptr<blob::Staged> staged = TOLL_TRY(scratch->seal());
  out.files.push_back({file, std::move(staged), {}});
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
  for (const auto& row : out.bundle.weights)
    if (row.size() != out.bundle.sources.size()) return refuse("the bag's weights are not those of its sources");
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
  std::string tags = "separation, htdemucs";
  for (const auto& model : bundle.models) tags += ", source:" + model.source_sha256;
  card.tags = std::move(tags);
  source.commit = bundle.weights_digest();
  return source;
}

// The version that serves from now on.
Result<models::Serving> keep(const House& house, blob::Store& store, const std::string& repo,
                             const std::string& version, const Converted& converted, const models::Source& source) {
  SystemRandom random;
  const objects::Objects objects(house.clock, random);
  const models::Catalogue catalogue(house.clock);
  const models::Feed feed(house.clock);
  const models::Snapshots snapshots(house.clock, catalogue, feed, objects);
  const models::ModelServing serving(house.clock, catalogue, store);
  const auto everything = models::Viewer::the_operator();
  return house.db.write([&](sql::Tx& tx) -> Result<models::Serving> {
    const auto seen = catalogue.find(tx, everything, repo);
    if (seen && seen->model.owner) return Fault(Reason::repo_taken).because(repo + " belongs to an account");
    TOLL_TRY(snapshots.add_version(tx, repo, version, source, converted.files));
    return serving.resolve(tx, everything, repo);
  });
}

int import_from(const Console& console, const House& house, blob::Store& store, const Checkpoints& checkpoints,
                const std::string& given_name, const std::string& given_licence) {
  auto converted = convert_all(console, store, checkpoints);
  if (!converted) return console.fail(converted.error(), "Nothing was stored.");
  auto& bundle = converted->bundle;
  const auto name = name_for(bundle, given_name);
  if (sorted(bundle.sources) != stems_of(name))
    return console.fail(refuse(fmt::format("{} separates other stems than {}", checkpoints.files[0].string(), name)),
                        "Nothing was stored.");
  const auto* known = published_with(bundle.models);
  bundle.licence = known ? std::string(known->licence) : given_licence;
  const auto version = describe(store, *converted);
  if (!version) return console.fail(version.error());
  const auto repo = std::string(models::builtin_author) + "/" + name;
  const auto serving = keep(house, store, repo, *version, *converted, source_of(name, bundle));
  if (!serving) return console.fail(serving.error());
  const bool serves = serving->version == *version;
  json::array sources, files;
  for (const auto& model : bundle.models) {
    sources.push_back(json::object{{"file", model.source}, {"sha256", model.source_sha256}});
    files.push_back(json::object{{"rfilename", model.file}, {"sha256", model.sha256}});
  }
  const auto licence = bundle.licence.empty() ? json::value() : json::value(json::string(bundle.licence));
  return console.show(fmt::format("{} {} holds the trained weights.{}", repo, *version,
                                  serves ? fmt::format(" Jobs for {} are served by it from now on.", name)
                                         : fmt::format(" The alias production keeps {} in service.", serving->version)),
                      json::object{{"repo_id", repo},
                                   {"version", *version},
                                   {"license", licence},
                                   {"weights_sha256", bundle.weights_digest()},
                                   {"sources", std::move(sources)},
                                   {"files", std::move(files)},
                                   {"serves", serves}});
}

// For a download; goes with it, whatever becomes of it.
class Folder {
 public:
  explicit Folder(const fs::path& data) : path_(data / "mirror" / ("pull-" + SystemRandom().uuid4())) {
    fs::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

int import_htdemucs(const Console& console, const House& house, blob::Store& store, const ImportHtdemucs& wanted) {
  const auto checkpoints = checkpoints_of(wanted.file);
  if (!checkpoints) return console.fail(checkpoints.error(), "Nothing was stored.");
  return import_from(console, house, store, *checkpoints, wanted.name, wanted.licence);
}

bool is_published(const std::string& name) {
  return published(name) != nullptr;
}

int pull_htdemucs(const Console& console, const House& house, blob::Store& store, const PullHtdemucs& wanted) {
  const auto& model = *published(wanted.name);
  auto base = wanted.base_url;
  while (base.ends_with('/')) base.pop_back();
  Checkpoints checkpoints;
  std::vector<std::string> files(model.files.begin(), model.files.end());
  if (!wanted.files.empty()) files = wanted.files;
  if (wanted.files.empty() && !model.bag.empty()) {
    auto bag = htdemucs::read_bag(model.bag);
    if (!bag) return console.fail(bag.error());
    checkpoints.weights = std::move(bag->weights);
    checkpoints.segment = bag->segment;
  }
  const Folder folder(wanted.data);
  for (const auto& file : files) {
    if (file.find('/') != file.npos) return console.fail(file + " is no name of a file");
    const auto path = folder.path() / file;
    const auto url = fmt::format("{}/{}{}", base, htdemucs::published_folder, file);
    const auto fetched = hub::fetch(wanted.hub, url, path, largest_checkpoint, [](std::int64_t) {});
    if (!fetched) return console.fail(fetched.error(), "Nothing was stored.");
    checkpoints.files.push_back(path);
  }
  return import_from(console, house, store, checkpoints, wanted.name, {});
}

}  // namespace toll::app
