#include "config/value.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "base/text.h"

namespace toll::config {
namespace {

constexpr std::int64_t micros_per_credit = 1'000'000;
constexpr std::int64_t most_credits = 1'000'000'000;

const std::string* text_of(const Value& value) {
  if (auto* text = std::get_if<Text>(&value.v)) return &text->text;
  return std::get_if<std::string>(&value.v);
}

std::string not_credits() {
  return "must be a number of credits with at most six decimals, such as 2.5";
}

std::string credits_from_text(std::string_view text, Credits& out) {
  auto point = text.find('.');
  std::string decimals(point == text.npos ? "" : text.substr(point + 1));
  if (point != text.npos && decimals.empty()) return not_credits();
  if (decimals.size() > 6) return not_credits();
  decimals.resize(6, '0');
  auto whole = parse_int(text.substr(0, point));
  auto part = parse_int(decimals);
  if (!whole || !part || *part < 0 || decimals.front() == '+' || decimals.front() == '-') return not_credits();
  if (*whole < 0 || text.front() == '-' || *whole > most_credits) return "must be 0 to 1000000000 credits";
  out.micros = *whole * micros_per_credit + *part;
  return {};
}

std::string credits_from_double(double value, Credits& out) {
  // TOML has no decimals: the double nearest to a decimal of six places rounds back to it.
  double micros = value * micros_per_credit;
  if (!(value >= 0 && value <= most_credits)) return "must be 0 to 1000000000 credits";
  if (std::abs(micros - std::round(micros)) > 1e-3) return not_credits();
  out.micros = std::llround(micros);
  return {};
}

// Reads the members of one table; collects what is wrong.
class TableReader {
 public:
  explicit TableReader(const Value::Table& table) : table_(table) {}
  template <class T>
  void take(const std::string& key, T& member) {
    known_.insert(key);
    auto it = table_.find(key);
    if (it == table_.end())
      add("needs " + key);
    else if (auto wrong = convert(it->second, member); !wrong.empty())
      add(key + " " + wrong);
  }
  std::string problem() && {
    for (const auto& [key, ignored] : table_)
      if (!known_.contains(key)) add("has the unknown key " + key);
    return std::move(problem_);
  }

 private:
  void add(const std::string& what) { problem_ += (problem_.empty() ? "" : "; ") + what; }
  const Value::Table& table_;
  std::set<std::string> known_;
  std::string problem_;
};

std::string read_table(const Value::Table& table, Package& out) {
  TableReader reader(table);
  reader.take("id", out.id);
  reader.take("name", out.name);
  reader.take("credits", out.credits);
  reader.take("price_cents", out.price_cents);
  reader.take("currency", out.currency);
  return std::move(reader).problem();
}

std::string read_table(const Value::Table& table, ModelPrice& out) {
  TableReader reader(table);
  reader.take("repo", out.repo);
  reader.take("credits", out.credits);
  return std::move(reader).problem();
}

template <class T>
std::string read_tables(const Value& value, std::vector<T>& out, std::string_view shape, std::string_view one) {
  auto* values = std::get_if<Value::List>(&value.v);
  if (!values) return fmt::format("must be tables {}", shape);
  std::vector<T> list;
  for (const auto& item : *values) {
    auto* table = std::get_if<Value::Table>(&item.v);
    if (!table) return fmt::format("must be tables {}", shape);
    if (auto problem = read_table(*table, list.emplace_back()); !problem.empty())
      return fmt::format("is wrong in its {} {}: {}", one, list.size(), problem);
  }
  out = std::move(list);
  return {};
}

}  // namespace

std::string convert(const Value& value, std::string& out) {
  auto* text = text_of(value);
  if (!text) return "must be text, in quotes";
  out = *text;
  return {};
}

std::string convert(const Value& value, bool& out) {
  if (auto* truth = std::get_if<bool>(&value.v)) {
    out = *truth;
    return {};
  }
  if (auto* text = std::get_if<Text>(&value.v)) {
    auto word = lower(trim(text->text));
    bool yes = word == "true" || word == "1" || word == "yes" || word == "on";
    bool no = word == "false" || word == "0" || word == "no" || word == "off";
    if (yes || no) {
      out = yes;
      return {};
    }
  }
  return "must be true or false";
}

std::string convert(const Value& value, std::int64_t& out) {
  if (auto* number = std::get_if<std::int64_t>(&value.v)) {
    out = *number;
    return {};
  }
  if (auto* text = std::get_if<Text>(&value.v)) {
    if (auto number = parse_int(trim(text->text))) {
      out = *number;
      return {};
    }
  }
  return "must be a whole number";
}

std::string convert(const Value& value, std::chrono::seconds& out) {
  std::int64_t count = 0;
  if (auto problem = convert(value, count); !problem.empty()) return "must be a whole number of seconds";
  out = std::chrono::seconds(count);
  return {};
}

std::string convert(const Value& value, Credits& out) {
  if (auto* number = std::get_if<std::int64_t>(&value.v)) return credits_from_text(std::to_string(*number), out);
  if (auto* number = std::get_if<double>(&value.v)) return credits_from_double(*number, out);
  if (auto* text = text_of(value)) return credits_from_text(trim(*text), out);
  return not_credits();
}

std::string convert(const Value& value, std::vector<std::string>& out) {
  std::vector<std::string> list;
  if (auto* text = std::get_if<Text>(&value.v)) {
    for (std::string_view rest = text->text; !rest.empty();) {
      auto comma = rest.find(',');
      if (auto item = trim(rest.substr(0, comma)); !item.empty()) list.emplace_back(item);
      rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
    }
  } else if (auto* values = std::get_if<Value::List>(&value.v)) {
    for (const auto& item : *values)
      if (!convert(item, list.emplace_back()).empty()) return "must be a list of texts";
  } else {
    return "must be a list of texts";
  }
  out = std::move(list);
  return {};
}

std::string convert(const Value& value, std::vector<Package>& out) {
  return read_tables(value, out, "[[stems.packages]] with id, name, credits, price_cents and currency", "package");
}

std::string convert(const Value& value, std::vector<ModelPrice>& out) {
  return read_tables(value, out, "[[inference.prices]] with repo and credits", "price");
}

std::string show(const std::string& value) {
  return value;
}
std::string show(bool value) {
  return value ? "true" : "false";
}
std::string show(std::int64_t value) {
  return std::to_string(value);
}
std::string show(std::chrono::seconds value) {
  return std::to_string(value.count());
}
std::string show(Credits value) {
  return to_string(value);
}
std::string show(const std::vector<std::string>& value) {
  return fmt::format("{}", fmt::join(value, ","));
}
std::string show(const std::vector<Package>& value) {
  std::string out;
  for (const auto& package : value)
    out +=
        fmt::format("{}{} ({}): {} credits for {}.{:02} {}", out.empty() ? "" : "; ", package.id, package.name,
                    to_string(package.credits), package.price_cents / 100, package.price_cents % 100, package.currency);
  return out;
}

std::string show(const std::vector<ModelPrice>& value) {
  std::string out;
  for (const auto& price : value)
    out += fmt::format("{}{}: {}", out.empty() ? "" : "; ", price.repo, to_string(price.credits));
  return out;
}

std::vector<Package> standard_packages() {
  return {{"starter", "Starter", {5'000'000}, 100, "USD"},
          {"popular", "Popular", {25'000'000}, 400, "USD"},
          {"pro", "Pro", {100'000'000}, 1500, "USD"}};
}

std::string to_string(Credits credits) {
  auto text = fmt::format("{}.{:06}", credits.micros / micros_per_credit, credits.micros % micros_per_credit);
  while (text.back() == '0' && text[text.size() - 2] != '.') text.pop_back();
  return text;
}

}  // namespace toll::config
