#include "http/part_head.h"

#include <algorithm>

#include "base/text.h"

namespace toll::http {

namespace {

bool token_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

std::string_view without_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  return first == text.npos ? std::string_view{} : text.substr(first);
}

// Browsers write a quote as %22 (WHATWG HTML, 4.10.21.8), curl and others as \" and a backslash as \\. Any other
// backslash is part of a Windows path.
std::string unescape(std::string_view value) {
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size() && (value[i + 1] == '"' || value[i + 1] == '\\')) {
      out += value[++i];
    } else if (value.substr(i, 3) == "%22") {
      out += '"';
      i += 2;
    } else {
      out += value[i];
    }
  }
  return out;
}

// charset'language'percent-encoded (RFC 8187). nullopt: another charset than UTF-8; bad: broken.
std::optional<std::string> extended_value(std::string_view value, bool& bad) {
  const auto first = value.find('\'');
  const auto second = first == value.npos ? first : value.find('\'', first + 1);
  if (second == value.npos) {
    bad = true;
    return std::nullopt;
  }
  if (!equal_ignoring_case(value.substr(0, first), "utf-8")) return std::nullopt;
  auto text = percent_decode(value.substr(second + 1));
  bad = !text || !valid_utf8(*text);  // encoded controls are no broken header: whoever stores the name cleans it
  return text;
}

bool parse_disposition(std::string_view value, PartHead& head) {
  const auto end = std::min(value.find(';'), value.size());
  if (!equal_ignoring_case(trim(value.substr(0, end)), "form-data")) return false;
  std::optional<std::string> name, filename, extended;
  Parameters parameters(value.substr(end));
  while (parameters.next()) {
    bool bad = false;
    const auto key = parameters.name();
    auto& target = equal_ignoring_case(key, "name") ? name : filename;
    if (equal_ignoring_case(key, "name") || equal_ignoring_case(key, "filename")) {
      bad = target.has_value();
      target = unescape(parameters.value());
      bad = bad || !valid_utf8(*target) || has_control(*target);
    } else if (equal_ignoring_case(key, "filename*")) {
      bad = extended.has_value();
      extended = extended_value(parameters.value(), bad);
    }
    if (bad) return false;
  }
  if (!parameters.ok() || !name) return false;
  head.name = std::move(*name);
  head.filename = extended ? std::move(extended) : std::move(filename);
  return true;
}

}  // namespace

bool Parameters::next() {
  rest_ = without_blanks(rest_);
  if (rest_.empty()) return false;
  ok_ = rest_.front() == ';';
  if (!ok_) return false;
  rest_ = without_blanks(rest_.substr(1));
  if (rest_.empty()) return false;  // a last semicolon is harmless
  const auto equals =
      static_cast<std::size_t>(std::find_if_not(rest_.begin(), rest_.end(), token_char) - rest_.begin());
  name_ = rest_.substr(0, equals);
  ok_ = equals > 0 && equals < rest_.size() && rest_[equals] == '=';
  if (!ok_) return false;
  rest_.remove_prefix(equals + 1);
  if (rest_.starts_with('"')) return ok_ = quoted();
  const auto end = static_cast<std::size_t>(std::find_if_not(rest_.begin(), rest_.end(), token_char) - rest_.begin());
  value_ = rest_.substr(0, end);
  rest_.remove_prefix(end);
  return ok_ = end > 0;
}

bool Parameters::quoted() {
  for (std::size_t i = 1; i < rest_.size(); ++i) {
    if (rest_[i] == '"') {
      value_ = rest_.substr(1, i - 1);
      rest_.remove_prefix(i + 1);
      return true;
    }
    // "C:\" ends a value of browsers that escape nothing: a quote is escaped only if the value goes on after it.
    if (rest_[i] == '\\' && i + 1 < rest_.size() && rest_[i + 1] == '\\')
      ++i;
    else if (rest_[i] == '\\' && i + 1 < rest_.size() && rest_[i + 1] == '"' && rest_.find('"', i + 2) != rest_.npos)
      ++i;
  }
  return false;
}

std::optional<PartHead> parse_part_head(std::string_view section) {
  PartHead head;
  bool disposed = false;
  if (!section.starts_with("\r\n")) return std::nullopt;
  section.remove_prefix(2);
  while (!section.empty()) {
    const auto end = section.find("\r\n");
    const auto line = section.substr(0, end);
    section.remove_prefix(end + 2);
    const auto colon = line.find(':');
    if (colon == 0 || colon == line.npos) return std::nullopt;
    const auto name = line.substr(0, colon);
    if (!std::all_of(name.begin(), name.end(), token_char)) return std::nullopt;
    const auto value = trim(line.substr(colon + 1));
    if (equal_ignoring_case(name, "content-disposition")) {
      if (disposed || !parse_disposition(value, head)) return std::nullopt;
      disposed = true;
    } else if (equal_ignoring_case(name, "content-type")) {
      if (has_control(value)) return std::nullopt;
      head.content_type = value;
    }
  }
  if (!disposed) return std::nullopt;
  return head;
}

}  // namespace toll::http
