#include "api/input.h"

#include <algorithm>

#include "base/text.h"

namespace toll::api {

std::vector<std::pair<std::string, std::string>> parse_urlencoded(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  auto decode = [](std::string_view part) {
    std::string plain(part);
    std::replace(plain.begin(), plain.end(), '+', ' ');
    return percent_decode(plain).value_or(plain);
  };
  while (!text.empty()) {
    auto pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    auto equals = pair.find('=');
    auto value = equals == pair.npos ? std::string_view{} : pair.substr(equals + 1);
    out.emplace_back(decode(pair.substr(0, equals)), decode(value));
  }
  return out;
}

std::optional<std::string_view> Inputs::text(json::In in, std::string_view name) const {
  auto find_in = [&](const auto& pairs) -> std::optional<std::string_view> {
    for (const auto& [key, value] : pairs)
      if (key == name) return value;
    return std::nullopt;
  };
  if (in == json::In::query) return find_in(query);
  if (in == json::In::form) return find_in(form.texts);
  std::size_t place = 0;
  for (std::size_t open = path.find('{'); open != path.npos && params; open = path.find('{', open + 1), ++place) {
    auto inside = path.substr(open + 1, path.find('}', open) - open - 1);
    if (inside.ends_with("...")) inside.remove_suffix(3);
    if (inside == name && place < params->size()) return (*params)[place];
  }
  return std::nullopt;
}

namespace {
std::string_view member_of(const FieldProblem& problem) {
  const auto* name = problem.path.empty() ? nullptr : std::get_if<std::string>(&problem.path.front());
  return name ? std::string_view(*name) : std::string_view();
}

// Without a body there is no member to look at.
bool concerns(const FieldProblem& problem, std::string_view name) {
  const bool no_body =
      problem.problem == Problem::no_body || (problem.problem == Problem::not_object && problem.path.empty());
  return no_body || member_of(problem) == name;
}
}  // namespace

bool Checks::refused(std::string_view name) const {
  return std::ranges::any_of(problems_, [&](const auto& problem) { return concerns(problem, name); });
}

bool Checks::unread(std::string_view name) const {
  return std::any_of(problems_.begin(), problems_.begin() + static_cast<std::ptrdiff_t>(unread_),
                     [&](const auto& problem) { return concerns(problem, name); });
}

Result<void> Checks::done(std::span<const std::string_view> names) && {
  if (problems_.empty()) return {};
  std::ranges::stable_sort(
      problems_, {}, [&](const auto& problem) { return std::ranges::find(names, member_of(problem)) - names.begin(); });
  return Fault(Reason::invalid_request).at(std::move(problems_));
}

bool Inputs::has(std::string_view name) const {
  return form.text(name) || std::ranges::any_of(form.files, [&](const auto& file) { return file.first == name; });
}

void read_file(const Inputs& inputs, std::string_view name, UploadedFile& out, json::Reading& reading) {
  for (const auto& [key, file] : inputs.form.files)
    if (key == name) {
      out = file;
      return;
    }
  reading.enter(name);
  if (const auto* text = inputs.form.text(name)) {
    std::string input;
    json::append_string(input, *text);
    reading.refuse(Problem::not_file, "must be a file", std::move(input));
  } else {
    reading.refuse(Problem::missing, "is required", std::string("null"));
  }
  reading.leave();
}

}  // namespace toll::api
