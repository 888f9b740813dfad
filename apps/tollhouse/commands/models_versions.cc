#include "tollhouse/commands/models_versions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/text.h"
#include "models/names.h"
#include "tollhouse/commands/models_rules.h"

namespace toll::app {

namespace {

namespace json = boost::json;

constexpr std::int64_t page = 500;

std::optional<std::vector<models::Version>> versions_of(sql::Tx& tx, const Rules& registry, const std::string& repo) {
  const auto seen = registry.catalogue.find(tx, registry.everything, repo);
  if (!seen) return std::nullopt;
  std::vector<models::Version> out;
  for (std::int64_t offset = 0;; offset += page) {
    auto more = registry.catalogue.versions(tx, seen->model.key, page, offset);
    out.insert(out.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    if (static_cast<std::int64_t>(more.size()) < page) return out;
  }
}

std::string hint_for(const Fault& fault, const std::string& repo) {
  if (fault.reason() == Reason::model_not_found) return "The models there are: tollhouse models list";
  return "The versions there are: tollhouse models versions " + repo;
}

}  // namespace

int list_versions(const Console& console, const House& house, const std::string& repo) {
  const Rules registry(house);
  const auto versions = house.db.read([&](sql::Tx& tx) { return versions_of(tx, registry, repo); });
  if (!versions)
    return console.fail(Fault(Reason::model_not_found).because(repo), "The models there are: tollhouse models list");
  std::vector<std::vector<std::string>> rows{{"VERSION", "ALIASES", "FILES", "SIZE", "MADE", "NOTES"}};
  json::array list;
  for (const auto& version : *versions) {
    const auto aliases = fmt::format("{}", fmt::join(version.aliases, ", "));
    rows.push_back({version.version, aliases.empty() ? "-" : aliases, std::to_string(version.file_count),
                    human_bytes(static_cast<std::size_t>(version.size)), iso_seconds(version.created_at),
                    version.notes.value_or("-")});
    auto or_null = [](const auto& value) { return value ? json::value_from(*value) : json::value(nullptr); };
    list.push_back(json::object{{"version", version.version},
                                {"aliases", json::value_from(version.aliases)},
                                {"file_count", version.file_count},
                                {"size", version.size},
                                {"created_at", iso_seconds(version.created_at)},
                                {"completed", version.completed_at.has_value()},
                                {"commit", or_null(version.commit)},
                                {"notes", or_null(version.notes)}});
  }
  if (versions->empty()) return console.show(repo + " has no versions.", list);
  return console.show(as_columns(rows), list);
}

int set_alias(const Console& console, const House& house, const std::string& repo, const std::string& alias,
              const std::string& version) {
  const Rules registry(house);
  if (!models::valid_label(alias)) return console.fail(alias + " is no name of an alias");
  const auto moved = house.db.write([&](sql::Tx& tx) {
    return registry.publishing.set_alias(tx, registry.everything, repo, alias, version, registry.trace);
  });
  if (!moved) return console.fail(moved.error(), hint_for(moved.error(), repo));
  const auto& previous = moved->previous;
  return console.show(fmt::format("{} of {} is {} now{}.", alias, repo, version,
                                  previous && *previous != version ? ", and was " + *previous : ""),
                      json::object{{"repo_id", repo},
                                   {"alias", alias},
                                   {"version", version},
                                   {"previous", previous ? json::value(json::string(*previous)) : json::value()}});
}

int remove_alias(const Console& console, const House& house, const std::string& repo, const std::string& alias) {
  const Rules registry(house);
  const auto removed = house.db.write([&](sql::Tx& tx) {
    return registry.publishing.remove_alias(tx, registry.everything, repo, alias, registry.trace);
  });
  if (!removed) return console.fail(removed.error(), hint_for(removed.error(), repo));
  return console.show(fmt::format("{} has no alias {}.", repo, alias),
                      json::object{{"repo_id", repo}, {"alias", alias}});
}

}  // namespace toll::app
