#include "media/record.h"

#include <algorithm>

namespace toll::media {

namespace {

constexpr std::array<std::string_view, 5> money_names{"free", "held", "captured", "released", "refunded"};

// The parts of `text` between separators; an empty text has none.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  if (text.empty()) return out;
  for (;;) {
    const auto end = text.find(separator);
    out.push_back(text.substr(0, end));
    if (end == text.npos) return out;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::optional<Status> status_from(std::string_view name) {
  for (auto status : all_statuses)
    if (to_string(status) == name) return status;
  return std::nullopt;
}

std::optional<MediaKind> only_kind(ModelType type) {
  if (type == ModelType::fi1) return std::nullopt;
  return type == ModelType::df1 ? MediaKind::video : MediaKind::image;
}

bool takes(ModelType type, MediaKind kind) {
  return only_kind(type).value_or(kind) == kind;
}

std::string key_of(const Record& record, std::string_view name) {
  return std::string(key_prefix)
      .append(record.uid)
      .append("/media/")
      .append(record.mid.value())
      .append("/")
      .append(name);
}

bool is_mid(std::string_view text) {
  return text.size() == 24 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string checks_text(const forensics::Checks& checks) {
  std::string out = checks.single_face ? "single" : "many";
  if (checks.faceswap) out += " faceswap";
  if (checks.liveness) out += " liveness";
  if (checks.similarity) out += " similarity";
  return out;
}

forensics::Checks checks_from(std::string_view text) {
  const auto words = split(text, ' ');
  const auto has = [&](std::string_view word) { return std::ranges::find(words, word) != words.end(); };
  return {.faceswap = has("faceswap"),
          .liveness = has("liveness"),
          .similarity = has("similarity"),
          .single_face = has("single")};
}

// One line a model; neither names nor versions can hold a blank.
std::string models_text(const std::vector<Recorded>& models) {
  std::string out;
  for (const auto& model : models) {
    if (!out.empty()) out += '\n';
    out.append(name_of(model.role)).append(" ").append(model.repo_id).append(" ");
    out.append(model.version).append(" ").append(model.digest);
  }
  return out;
}

std::vector<Recorded> models_from(std::string_view text) {
  std::vector<Recorded> out;
  for (const auto line : split(text, '\n')) {
    const auto parts = split(line, ' ');
    const auto role = parts.size() == 4 ? forensics::role_of(parts[0]) : std::nullopt;
    if (!role) throw std::runtime_error("a media record's models are not in their form");
    out.push_back({*role, std::string(parts[1]), std::string(parts[2]), std::string(parts[3])});
  }
  return out;
}

std::string_view to_string(Money money) {
  return money_names[static_cast<std::size_t>(money)];
}

Money money_from(std::string_view name) {
  const auto at = std::ranges::find(money_names, name);
  if (at == money_names.end()) throw std::runtime_error("a media record's money is in no state that is known");
  return static_cast<Money>(at - money_names.begin());
}

}  // namespace toll::media
