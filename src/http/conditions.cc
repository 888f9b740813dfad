// Conditional and ranged requests: RFC 9110, 13 and 14.
#include <algorithm>

#include "base/text.h"
#include "http/message.h"

namespace toll::http {

namespace {

std::string_view opaque(std::string_view tag) {
  return tag.starts_with("W/") ? tag.substr(2) : tag;
}

// A list of entity tags; a comma within quotes is part of a tag. Weak comparison (8.8.3.2).
bool lists_tag(std::string_view list, std::string_view tag) {
  while (!(list = trim(list)).empty()) {
    const std::size_t open = list.find('"');
    const std::size_t close = open == list.npos ? open : list.find('"', open + 1);
    if (close == list.npos) return false;
    if (opaque(trim(list.substr(0, close + 1))) == opaque(tag)) return true;
    const std::size_t comma = list.find(',', close);
    list = comma == list.npos ? std::string_view{} : list.substr(comma + 1);
  }
  return false;
}

bool not_modified(const Request& request, const Response& full) {
  const auto tag = full.fields.find("ETag");
  for (const auto& [name, value] : request.fields) {
    if (!equal_ignoring_case(name, "If-None-Match")) continue;
    if (trim(value) == "*" || (tag && lists_tag(value, *tag))) return true;
  }
  return false;
}

// Strong comparison; a date is compared with Last-Modified as text (13.1.5).
bool range_applies(const Request& request, const Response& full) {
  const auto condition = request.fields.find("If-Range");
  if (!condition) return true;
  const auto same = full.fields.find(condition->ends_with('"') ? "ETag" : "Last-Modified");
  return same && *same == *condition && !condition->starts_with("W/");
}

struct Range {
  std::uint64_t first, last;  // inclusive
};
enum class Ranges { none, one, unsatisfiable };  // none: send the whole

// Positions beyond 18 digits lie beyond every body.
std::optional<std::uint64_t> position(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != text.npos) return std::nullopt;
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size() - 1));
  return text.size() > 18 ? 999'999'999'999'999'999u : static_cast<std::uint64_t>(*parse_int(text));
}

// A syntax error makes the field void (14.2); several ranges are answered with the whole.
Ranges parse_range(std::string_view field, std::uint64_t length, Range& range) {
  if (field.size() < 6 || !equal_ignoring_case(field.substr(0, 6), "bytes=")) return Ranges::none;
  const auto spec = trim(field.substr(6));
  const auto dash = spec.find('-');
  if (dash == spec.npos || spec.find(',') != spec.npos) return Ranges::none;
  const auto first = position(spec.substr(0, dash)), last = position(spec.substr(dash + 1));
  const bool open = dash + 1 == spec.size();
  if (dash == 0) {
    if (!last) return Ranges::none;
    if (*last == 0 || length == 0) return Ranges::unsatisfiable;
    range = {length - std::min(*last, length), length - 1};
    return Ranges::one;
  }
  if (!first || (!open && (!last || *last < *first))) return Ranges::none;
  if (*first >= length) return Ranges::unsatisfiable;
  range = {*first, open ? length - 1 : std::min(*last, length - 1)};
  return Ranges::one;
}

Response without_body(Response full, int status) {
  full.status = status;
  full.body.clear();
  full.stream.clear();
  return full;
}

void keep_only(Response& response, const Range& range) {
  const std::uint64_t length = range.last - range.first + 1;
  if (response.stream.empty())
    response.body = response.body.substr(range.first, length);
  else
    response.stream = slice(response.stream, range.first, length);
}

}  // namespace

Response apply_conditions(const Request& request, Response full) {
  if (full.status != 200 || (request.method != Method::get && request.method != Method::head)) return full;
  full.fields.set("Accept-Ranges", "bytes");
  if (not_modified(request, full)) return without_body(std::move(full), 304);
  const auto field = request.fields.find("Range");
  if (!field || request.fields.count("Range") > 1 || !range_applies(request, full)) return full;
  const std::uint64_t length = full.stream.empty() ? full.body.size() : length_of(full.stream);
  Range range{};
  switch (parse_range(*field, length, range)) {
    case Ranges::none:
      return full;
    case Ranges::unsatisfiable:
      full.fields.set("Content-Range", "bytes */" + std::to_string(length));
      return without_body(std::move(full), 416);
    case Ranges::one:
      break;
  }
  full.fields.set("Content-Range", "bytes " + std::to_string(range.first) + "-" + std::to_string(range.last) + "/" +
                                       std::to_string(length));
  full.status = 206;
  keep_only(full, range);
  return full;
}

}  // namespace toll::http
