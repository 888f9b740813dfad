#include "tollhouse/commands/migrate.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "sql/migrations.h"

namespace toll::app {

int migrate(const Console& console, sql::Database& db, Time now) {
  auto applied = sql::migrate(db, now);
  auto version = sql::migrations(db.engine()).back().version;
  std::string text;
  boost::json::array list;
  for (const auto& name : applied) {
    text += fmt::format("Applied {}\n", name);
    list.push_back(boost::json::string(name));
  }
  text += applied.empty() ? fmt::format("The schema is up to date (version {}); nothing was done.", version)
                          : fmt::format("The schema is at version {} now.", version);
  return console.show(text, boost::json::object{{"applied", list}, {"version", version}});
}

}  // namespace toll::app
