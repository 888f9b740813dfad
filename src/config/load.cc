#include "config/load.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "config/table.h"

extern char** environ;

namespace toll::config {
namespace {

constexpr std::string_view variable_prefix = "TOLLHOUSE_";
constexpr std::string_view config_variable = "TOLLHOUSE_CONFIG";  // the file itself; read by the command line

Value value_from(const toml::node& node) {
  if (auto* text = node.as_string()) return {**text};
  if (auto* number = node.as_integer()) return {**number};
  if (auto* number = node.as_floating_point()) return {**number};
  if (auto* truth = node.as_boolean()) return {**truth};
  if (auto* array = node.as_array()) {
    Value::List list;
    for (const auto& item : *array) list.push_back(value_from(item));
    return {std::move(list)};
  }
  Value::Table table;
  if (auto* nodes = node.as_table())
    for (const auto& [key, item] : *nodes) table.emplace(key.str(), value_from(item));
  return {std::move(table)};
}

std::string suggestion(std::string_view wrong, const std::vector<std::string>& known) {
  auto near = nearest(wrong, known);
  return near.empty() ? "" : fmt::format("; did you mean {}?", near);
}

std::vector<std::string> names_by(std::string (*spell)(const Row&)) {
  std::vector<std::string> out;
  for (const auto& row : table())
    if (auto name = spell(row); !name.empty()) out.push_back(std::move(name));
  return out;
}
std::string name_of(const Row& row) {
  return std::string(row.name);
}
std::string section_of(const Row& row) {
  return std::string(row.name.substr(0, row.name.find('.')));
}

class Loader {
 public:
  explicit Loader(Loaded& out) : out_(out) {}

  void file(const std::filesystem::path& path) try {
    auto document = toml::parse_file(path.string());
    for (const auto& [section, node] : document) {
      auto where = fmt::format("{}:{}", path.string(), node.source().begin.line);
      auto sections = names_by(section_of);
      auto* table = node.as_table();
      bool known = std::find(sections.begin(), sections.end(), section.str()) != sections.end();
      if (!known)
        complain(where, fmt::format("there is no section {}{}", section.str(), suggestion(section.str(), sections)));
      else if (!table)
        complain(where,
                 fmt::format("{} is a section: write [{}] and its settings below it", section.str(), section.str()));
      else
        section_of_file(path, std::string(section.str()), *table);
    }
  } catch (const toml::parse_error& error) {
    auto line = error.source().begin.line;
    complain(line == 0 ? path.string() : fmt::format("{}:{}", path.string(), line), std::string(error.description()));
  }

  void environment(const std::map<std::string, std::string>& variables) {
    std::set<std::string> known{std::string(config_variable)};
    for (const auto& row : table()) {
      known.insert(variable_of(row));
      // Our own name last, so that it wins.
      auto names = row.also;
      const auto own = variable_of(row);
      names.push_back(own);
      for (const auto name : names)
        if (auto it = variables.find(std::string(name)); !name.empty() && it != variables.end())
          set(row, {Text{it->second}}, it->first);
    }
    // Only names that begin like a section: the prefix alone may belong to something else.
    for (const auto& [name, ignored] : variables)
      for (const auto& section : names_by(section_of)) {
        auto start = lower(name).substr(0, variable_prefix.size() + section.size() + 1);
        if (start == lower(variable_prefix) + section + "_" && !known.contains(name) && known.insert(name).second)
          complain(name, "this variable sets nothing" + suggestion(name, names_by(variable_of)));
      }
  }

  void flags(const std::vector<std::pair<std::string, std::string>>& flags) {
    for (const auto& [name, text] : flags) {
      auto* row = find_row(name);
      if (!row) throw std::invalid_argument("a flag for no setting: " + name);
      set(*row, {Text{text}}, flag_of(*row));
    }
  }

  void together() {
    const auto& s = out_.settings;
    if (s.server.certificate.empty() != s.server.key.empty())
      complain(s.server.key.empty() ? "server.key" : "server.certificate",
               "server.certificate and server.key belong together: set both or neither");
    for (const auto* name : {"s3.access_key", "s3.secret_key"})
      if (!s.s3.endpoint.empty() && find_row(name)->show(s).empty())
        complain(name, fmt::format("{} is needed with s3.endpoint", name));
    if (s.payments.provider != "square") return;
    for (const auto* name :
         {"payments.square_application_id", "payments.square_location_id", "payments.square_access_token"})
      if (find_row(name)->show(s).empty())
        complain(name, fmt::format("{} is needed with payments.provider = \"square\"", name));
  }

 private:
  void section_of_file(const std::filesystem::path& path, const std::string& section, const toml::table& table) {
    for (const auto& [key, node] : table) {
      auto name = section + "." + std::string(key.str());
      auto where = fmt::format("{}:{}", path.string(), node.source().begin.line);
      if (auto* row = find_row(name))
        set(*row, value_from(node), where);
      else
        complain(where, fmt::format("there is no setting {}{}", name, suggestion(name, names_by(name_of))));
    }
  }

  void set(const Row& row, const Value& value, const std::string& where) {
    auto problem = row.assign(out_.settings, value);
    if (problem.empty())
      out_.sources[std::string(row.name)] = where;
    else
      complain(where, fmt::format("{} {}", row.name, problem));
  }

  void complain(std::string where, std::string message) {
    out_.problems.push_back({std::move(where), std::move(message)});
  }

  Loaded& out_;
};

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, change}));
    }
  }
  return row[b.size()];
}

}  // namespace

Loaded load(const Inputs& inputs) {
  Loaded out;
  Loader loader(out);
  if (inputs.file) loader.file(*inputs.file);
  loader.environment(inputs.environment);
  loader.flags(inputs.flags);
  loader.together();
  return out;
}

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; *entry; ++entry) {
    std::string_view text(*entry);
    auto equals = text.find('=');
    if (equals == text.npos) continue;
    const auto name = text.substr(0, equals);
    const bool by_other_name = std::ranges::any_of(
        table(), [&](const Row& row) { return std::ranges::find(row.also, name) != row.also.end(); });
    if (name.starts_with(variable_prefix) || by_other_name) out.emplace(name, text.substr(equals + 1));
  }
  return out;
}

std::vector<Entry> entries(const Loaded& loaded) {
  const Settings standard;
  std::vector<Entry> out;
  for (const auto& row : table()) {
    auto source = loaded.sources.find(std::string(row.name));
    out.push_back({.name = std::string(row.name),
                   .value = masked(row, row.show(loaded.settings)),
                   .source = source == loaded.sources.end() ? "default" : source->second,
                   .standard = row.show(standard),
                   .type = std::string(row.type),
                   .doc = std::string(row.doc),
                   .flag = flag_of(row),
                   .variable = variable_of(row)});
  }
  return out;
}

std::string nearest(std::string_view wrong, const std::vector<std::string>& known) {
  std::string best;
  std::size_t distance = std::max<std::size_t>(2, wrong.size() / 3) + 1;
  for (const auto& name : known)
    if (auto d = edit_distance(lower(wrong), lower(name)); d < distance) {
      distance = d;
      best = name;
    }
  return best;
}

}  // namespace toll::config
