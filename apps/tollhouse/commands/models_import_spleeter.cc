#include "tollhouse/commands/models_import_spleeter.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "engines/htdemucs/bundle.h"
#include "engines/spleeter/import.h"
#include "models/installs.h"
#include "models/serving.h"
#include "tollhouse/commands/held_signals.h"
#include "tollhouse/commands/models_rules.h"

namespace toll::app {

namespace {

namespace json = boost::json;
namespace spleeter = engines::spleeter;
using engines::htdemucs::Bundle;

constexpr std::string_view name = "spleeter", repo = "tollhouse/spleeter";

// The text of the MIT licence wants to stand beside what it covers.
constexpr std::string_view licence_file = "LICENSE", mit_words =
                                                         R"(MIT License

Copyright (c) 2019-present, Deezer SA.

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
)";

// What will be stored.
struct Converted {
  Bundle bundle;
  std::string version;
  std::vector<models::SnapshotFile> files;
};

Result<std::shared_ptr<blob::Staged>> staged(blob::Store& store, std::string_view text) {
  const auto writer = TOLL_TRY(store.create());
  TOLL_TRY(writer->write(as_span(text)));
  return std::shared_ptr<blob::Staged>(TOLL_TRY(writer->finish()));
}

Result<Converted> convert(blob::Store& store, const ImportSpleeter& wanted) {
  const auto scratch = TOLL_TRY(store.scratch());
  const auto imported = TOLL_TRY(spleeter::import_package(wanted.from, scratch->fd()));
  const auto known = spleeter::licence_of(imported.source_sha256);
  Converted out;
  out.bundle = {known.empty() ? wanted.licence : std::string(known),
                imported.shape.sources,
                {{std::string(spleeter::model_file), imported.model_sha256, imported.source, imported.source_sha256}},
                {}};
  out.files.push_back({std::string(spleeter::model_file), std::shared_ptr(TOLL_TRY(scratch->seal())), {}});
  if (!known.empty()) out.files.push_back({std::string(licence_file), TOLL_TRY(staged(store, mit_words)), {}});
  auto described = TOLL_TRY(staged(store, engines::htdemucs::write_bundle(out.bundle)));
  out.version = imported.source_sha256.substr(0, 12) + "-" + hex(described->stored().digest).substr(0, 8);
  out.files.push_back({std::string(spleeter::bundle_file), std::move(described), {}});
  return out;
}

models::Source source_of(const Bundle& bundle) {
  models::Source source;
  auto& card = source.card;
  card.model_name = name;
  card.author = models::builtin_author;
  card.pipeline_tag = "audio-source-separation";
  card.engine = "separation";
  if (!bundle.licence.empty()) card.license = bundle.licence;
  card.tags = "separation, spleeter, source:" + bundle.weights_digest();
  source.commit = bundle.weights_digest();
  const auto& model = bundle.models.front();
  source.notes = fmt::format("Made of {} (SHA-256 {}). Licence: {}.", model.source, model.source_sha256,
                             bundle.licence.empty() ? "not known" : bundle.licence);
  return source;
}

// The version that serves from now on.
Result<models::Installed> keep(const House& house, blob::Store& store, const Converted& converted) {
  const Rules rules(house);
  const models::ModelServing serving(rules.clock, rules.catalogue, store);
  const models::Installs installs(rules.catalogue, rules.snapshots, rules.publishing, serving);
  const auto source = source_of(converted.bundle);
  const HeldSignals whole;
  return house.db.write(
      [&](sql::Tx& tx) { return installs.install(tx, repo, converted.version, source, converted.files, rules.trace); });
}

std::string say(const Converted& converted, const models::Installed& installed) {
  if (installed.serving.version != converted.version)
    return fmt::format(
        "{0} {1} holds these weights already; nothing has changed, and {2} serves.\n"
        "To let them serve: tollhouse models alias {0} production {1}",
        repo, converted.version, installed.serving.version);
  return fmt::format(
      "{} {} holds the trained weights. Jobs for spleeter are served by it from now on, and jobs for the vocals and "
      "the "
      "rest that the built-in separator would serve.",
      repo, converted.version);
}

}  // namespace

int import_spleeter(const Console& console, const House& house, blob::Store& store, const ImportSpleeter& wanted) {
  const auto converted = convert(store, wanted);
  if (!converted) return console.fail(converted.error(), "Nothing was stored.");
  const auto& bundle = converted->bundle;
  const auto installed = keep(house, store, *converted);
  if (!installed) return console.fail(installed.error(), "Nothing was stored.");
  const auto& model = bundle.models.front();
  return console.show(
      say(*converted, *installed),
      json::object{{"repo_id", repo},
                   {"version", converted->version},
                   {"license", bundle.licence.empty() ? json::value() : json::value(json::string(bundle.licence))},
                   {"weights_sha256", bundle.weights_digest()},
                   {"sources", json::array{json::object{{"file", model.source}, {"sha256", model.source_sha256}}}},
                   {"files", json::array{json::object{{"rfilename", model.file}, {"sha256", model.sha256}}}},
                   {"serves", installed->serving.version == converted->version}});
}

}  // namespace toll::app
