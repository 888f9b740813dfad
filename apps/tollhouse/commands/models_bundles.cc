#include "tollhouse/commands/models_bundles.h"

#include <algorithm>
#include <optional>

#include "models/serving.h"
#include "tollhouse/commands/models_rules.h"

namespace toll::app {

namespace {

using engines::htdemucs::Bundle;

constexpr std::uint64_t largest_description = 64 << 10;

std::optional<Bundle> bundle_in(const blob::Store& store, const std::vector<models::ServedFile>& files,
                                std::string_view description) {
  const auto found = std::ranges::find(files, description, &models::ServedFile::rfilename);
  if (found == files.end() || found->size > largest_description) return std::nullopt;
  const auto content = store.open(found->digest);
  if (!content) return std::nullopt;
  std::string text(found->size, '\0');
  text.resize((*content)->read_at(0, std::as_writable_bytes(std::span(text))));
  auto bundle = engines::htdemucs::read_bundle(text);
  if (!bundle) return std::nullopt;
  return *std::move(bundle);
}

}  // namespace

std::vector<Bundle> bundles_of(const House& house, const blob::Store& store, const std::string& repo,
                               std::string_view description) {
  constexpr std::int64_t newest = 1000;
  const Rules rules(house);
  const models::ModelServing serving(rules.clock, rules.catalogue, store);
  const auto versions = house.db.read([&](sql::Tx& tx) {
    std::vector<models::Serving> out;
    const auto seen = rules.catalogue.find(tx, rules.everything, repo);
    if (!seen) return out;
    for (const auto& version : rules.catalogue.versions(tx, seen->model.key, newest, 0))
      if (auto files = serving.resolve(tx, rules.everything, repo, version.version)) out.push_back(*files);
    return out;
  });
  std::vector<Bundle> bundles;
  for (const auto& version : versions)
    if (auto bundle = bundle_in(store, version.files, description)) bundles.push_back(*std::move(bundle));
  return bundles;
}

}  // namespace toll::app
