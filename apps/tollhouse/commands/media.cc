#include "tollhouse/commands/media.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "engine/host.h"
#include "media/look.h"
#include "media/models.h"

namespace toll::app {

namespace {

namespace json = boost::json;
namespace forensics = engines::forensics;

constexpr std::string_view roles = "The roles are DF-1, AC-1, FD-1, FE-1 and FI-1.liveness";

json::object object_of(const media::Assignment& one) {
  return {{"role", name_of(one.role)},
          {"repo_id", one.repo_id},
          {"version", one.version.empty() ? json::value() : json::value(one.version)},
          {"assigned_at", iso_seconds(one.assigned_at)}};
}

int no_role(const Console& console, const std::string& role) {
  return console.fail(role + " is no role of a model here", std::string(roles));
}

}  // namespace

int list_media_models(const Console& console, const House& house, const blob::Store& store) {
  const media::Models models(house.clock, store);
  const auto assigned = house.db.read([&](sql::Tx& tx) { return models.list(tx); });
  std::vector<std::vector<std::string>> rows{{"ROLE", "MODEL", "VERSION", "SINCE"}};
  json::array list;
  for (const auto& one : assigned) {
    rows.push_back({std::string(name_of(one.role)), one.repo_id, one.version.empty() ? "-" : one.version,
                    iso_seconds(one.assigned_at)});
    list.push_back(object_of(one));
  }
  if (assigned.empty()) return console.show("The built-in analysis does everything.", list);
  return console.show(as_columns(rows), list);
}

int assign_media_model(const Console& console, const House& house, const blob::Store& store, const std::string& role,
                       const std::string& repo, const std::string& version, std::uint64_t memory_bytes) {
  const auto known = forensics::role_of(role);
  if (!known) return no_role(console, role);
  const media::Models models(house.clock, store);
  constexpr std::string_view hint = "The models there are: tollhouse models list";
  const auto found = house.db.read([&](sql::Tx& tx) { return models.look(tx, *known, repo, version); });
  if (!found) return console.fail(found.error(), std::string(hint));
  engine::Limits limits;
  limits.memory_bytes = memory_bytes;
  const auto runner = engine::make_process_runner("/proc/self/exe", limits);
  if (auto fits = media::check_loaded(store, *found, *runner); !fits)
    return console.fail(fits.error(), "media.json has to say what the model takes and gives");
  const auto made =
      house.db.write([&](sql::Tx& tx) { return models.assign(tx, *known, repo, version, identity::operator_actor()); });
  return console.show(fmt::format("{} is analysed by {} from now on.", name_of(made.role), made.repo_id),
                      object_of(made));
}

int unassign_media_model(const Console& console, const House& house, const blob::Store& store,
                         const std::string& role) {
  const auto known = forensics::role_of(role);
  if (!known) return no_role(console, role);
  const media::Models models(house.clock, store);
  if (!house.db.write([&](sql::Tx& tx) { return models.unassign(tx, *known, identity::operator_actor()); }))
    return console.fail("no model is assigned to " + role, "Those that are: tollhouse media list");
  return console.show(fmt::format("{} is analysed by the built-in rules from now on.", name_of(*known)),
                      json::object{{"role", name_of(*known)}});
}

}  // namespace toll::app
