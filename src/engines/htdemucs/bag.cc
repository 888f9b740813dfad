// YAML as far as bags need it: keys at the margin, each with a scalar or a flow list that may go over lines.
#include <charconv>
#include <optional>

#include "engines/htdemucs/checkpoint.h"
#include "engines/onnx/refuse.h"

namespace toll::engines::htdemucs {
namespace {

using onnx::refuse;

constexpr std::size_t largest = 64 << 10, most_models = 16;

struct Item {
  std::string scalar;
  std::vector<Item> list;
  bool is_list = false;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  bool done() {
    skip_space();
    return rest_.empty();
  }
  std::optional<std::string> key() {
    const auto colon = rest_.find(':');
    if (colon == std::string_view::npos || colon > 40) return std::nullopt;
    std::string name(rest_.substr(0, colon));
    rest_.remove_prefix(colon + 1);
    return name;
  }
  std::optional<Item> value(int depth = 0) {
    skip_space();
    if (rest_.empty() || depth > 3) return std::nullopt;
    if (rest_.front() == '[') return list(depth);
    if (rest_.front() == '\'' || rest_.front() == '"') return quoted();
    const auto end = std::min(rest_.find_first_of(",]\n#"), rest_.size());
    std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.pop_back();
    if (text.empty()) return std::nullopt;
    return Item{std::move(text)};
  }

 private:
  void skip_space() {
    while (!rest_.empty()) {
      if (rest_.front() == '#') {
        rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
      } else if (std::string_view(" \t\r\n").find(rest_.front()) != std::string_view::npos) {
        rest_.remove_prefix(1);
      } else {
        return;
      }
    }
  }
  std::optional<Item> quoted() {
    const char quote = rest_.front();
    const auto end = rest_.find(quote, 1);
    if (end == std::string_view::npos) return std::nullopt;
    Item item{std::string(rest_.substr(1, end - 1))};
    rest_.remove_prefix(end + 1);
    return item;
  }
  std::optional<Item> list(int depth) {
    Item out{.is_list = true};
    rest_.remove_prefix(1);
    for (;;) {
      skip_space();
      if (rest_.empty()) return std::nullopt;
      if (rest_.front() == ']') {
        rest_.remove_prefix(1);
        return out;
      }
      auto item = value(depth + 1);
      if (!item || out.list.size() > 100) return std::nullopt;
      out.list.push_back(*std::move(item));
      skip_space();
      if (!rest_.empty() && rest_.front() == ',') rest_.remove_prefix(1);
    }
  }
  std::string_view rest_;
};

Fault malformed() {
  return refuse("the file is not the description of a bag of models");
}

std::optional<double> number(const Item& item) {
  double value = 0;
  const auto& text = item.scalar;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (item.is_list || error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 1e6))
    return std::nullopt;
  return value;
}

Result<std::optional<double>> seconds(const Item& item) {
  if (!item.is_list && (item.scalar == "null" || item.scalar == "~")) return std::optional<double>();
  const auto value = number(item);
  if (!value || *value <= 0) return malformed();
  return value;
}

Result<std::vector<std::string>> signatures(const Item& item) {
  std::vector<std::string> out;
  for (const auto& entry : item.list) {
    const bool plain = entry.scalar.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
    if (entry.is_list || entry.scalar.empty() || entry.scalar.size() > 40 || !plain) return malformed();
    out.push_back(entry.scalar);
  }
  if (!item.is_list || out.empty() || out.size() > most_models) return malformed();
  return out;
}

Result<std::vector<std::vector<double>>> weight_rows(const Item& item) {
  if (!item.is_list) return malformed();
  std::vector<std::vector<double>> rows;
  for (const auto& row : item.list) {
    if (!row.is_list) return malformed();
    rows.emplace_back();
    for (const auto& entry : row.list) {
      const auto value = number(entry);
      if (!value) return malformed();
      rows.back().push_back(*value);
    }
    if (rows.back().size() != rows.front().size()) return malformed();
  }
  return rows;
}

}  // namespace

Result<Bag> read_bag(std::string_view yaml) {
  if (yaml.size() > largest || yaml.find('\0') != std::string_view::npos) return malformed();
  Parser parser(yaml);
  Bag bag;
  while (!parser.done()) {
    const auto key = parser.key();
    const auto value = key ? parser.value() : std::nullopt;
    if (!value) return malformed();
    if (*key == "models") {
      bag.models = TOLL_TRY(signatures(*value));
    } else if (*key == "weights") {
      bag.weights = TOLL_TRY(weight_rows(*value));
    } else if (*key == "segment") {
      bag.segment = TOLL_TRY(seconds(*value));
    } else {
      return refuse("the description of the bag has a member that is not read");
    }
  }
  if (bag.models.empty() || (!bag.weights.empty() && bag.weights.size() != bag.models.size())) return malformed();
  return bag;
}

Result<void> shorten(Hyperparameters& hyper, double segment) {
  const double frames = hyper.samplerate * segment;
  if (frames > static_cast<double>(hyper.segment_frames)) return {};
  if (!(frames > 2.0 * hyper.nfft)) return refuse("the segment of the bag is too short for its models");
  hyper.segment_frames = static_cast<std::int64_t>(frames);
  return {};
}

}  // namespace toll::engines::htdemucs
