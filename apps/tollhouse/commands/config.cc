#include "tollhouse/commands/config.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

namespace toll::app {
namespace json = boost::json;

int report_problems(const Console& console, const config::Loaded& loaded) {
  if (console.format == Format::json) {
    json::array problems;
    for (const auto& problem : loaded.problems)
      problems.push_back(json::object{{"where", problem.where}, {"message", problem.message}});
    console.err << json::object{{"error", "The settings are not valid"}, {"problems", problems}} << '\n';
    return failed;
  }
  std::string lines;
  for (const auto& problem : loaded.problems) lines += fmt::format("  {}: {}\n", problem.where, problem.message);
  lines += "All settings: tollhouse config print";
  return console.fail(fmt::format("{} not valid:", loaded.problems.size() == 1 ? "a setting is" : "some settings are"),
                      lines);
}

int check_config(const Console& console, const config::Loaded& loaded) {
  if (!loaded.ok()) return report_problems(console, loaded);
  return console.show(fmt::format("The settings are valid; {} differ from the defaults.", loaded.sources.size()),
                      json::object{{"valid", true}, {"set", loaded.sources.size()}});
}

int print_config(const Console& console, const config::Loaded& loaded) {
  std::string text;
  json::array list;
  for (const auto& entry : entries(loaded)) {
    text += fmt::format("{} = {}\n    {}\n    {}, from {}", entry.name, entry.value.empty() ? "(empty)" : entry.value,
                        entry.doc, entry.type, entry.source);
    if (entry.source != "default")
      text += fmt::format(" (default: {})", entry.standard.empty() ? "empty" : entry.standard);
    if (!entry.variable.empty()) text += "; " + entry.variable;
    if (!entry.flag.empty()) text += "; " + entry.flag;
    text += "\n\n";
    list.push_back(json::object{{"name", entry.name},
                                {"value", entry.value},
                                {"source", entry.source},
                                {"default", entry.standard},
                                {"type", entry.type},
                                {"doc", entry.doc},
                                {"variable", entry.variable},
                                {"flag", entry.flag}});
  }
  if (!text.empty()) text.pop_back();
  console.show(text, list);
  return loaded.ok() ? succeeded : report_problems(console, loaded);
}

}  // namespace toll::app
