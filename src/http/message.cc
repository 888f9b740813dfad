#include "http/message.h"

#include <algorithm>

#include "base/text.h"

namespace toll::http {

std::string_view to_string(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::patch:
      return "PATCH";
    case Method::delete_:
      return "DELETE";
    case Method::options:
      return "OPTIONS";
    case Method::other:
      break;
  }
  return "OTHER";
}

// More than most heads have.
namespace {
constexpr std::size_t usual_count = 16, usual_text = 768;
}

Fields::Place Fields::put(std::string_view name, std::string_view value) {
  if (text_.capacity() < usual_text) text_.reserve(usual_text);
  const Place place{static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(name.size()),
                    static_cast<std::uint32_t>(value.size())};
  const std::string_view own = text_;
  // Text of our own moves when there is no room for more.
  const bool aliased = !own.empty() && ((name.data() >= own.data() && name.data() < own.data() + own.size()) ||
                                        (value.data() >= own.data() && value.data() < own.data() + own.size()));
  if (aliased) return put(std::string(name), std::string(value));
  text_.append(name).append(value);
  return place;
}

void Fields::add(std::string_view name, std::string_view value) {
  if (places_.capacity() == 0) places_.reserve(usual_count);
  places_.push_back(put(name, value));
}

std::size_t Fields::index_of(std::string_view wanted, std::size_t from) const {
  while (from < places_.size() && !equal_ignoring_case(name(from), wanted)) ++from;
  return from;
}

void Fields::set(std::string_view name, std::string_view value) {
  const auto first = index_of(name);
  if (first == places_.size()) return add(name, value);
  const std::string kept(this->name(first));
  places_[first] = put(kept, value);
  for (auto next = index_of(kept, first + 1); next < places_.size(); next = index_of(kept, next))
    places_.erase(places_.begin() + static_cast<std::ptrdiff_t>(next));
}

std::optional<std::string_view> Fields::find(std::string_view name) const {
  const auto at = index_of(name);
  if (at == places_.size()) return std::nullopt;
  return value(at);
}

std::size_t Fields::count(std::string_view name) const {
  std::size_t found = 0;
  for (auto at = index_of(name); at < places_.size(); at = index_of(name, at + 1)) ++found;
  return found;
}

void Fields::clear() {
  text_.clear();
  places_.clear();
}

asio::awaitable<Result<std::string>> read_all(BodyReader& body, std::uint64_t limit) {
  body.set_limit(limit);
  std::string all;
  for (;;) {
    auto piece = co_await body.read();
    if (!piece) co_return std::move(piece).error();
    if (piece->empty()) co_return all;
    if (piece->size() > limit - all.size())
      co_return Fault(Reason::body_too_large).with("limit", std::to_string(limit));
    all.append(*piece);
  }
}

std::uint64_t length_of(const Segment& segment) {
  struct {
    std::uint64_t operator()(const std::string& text) const { return text.size(); }
    std::uint64_t operator()(const FileSlice& file) const { return file.length; }
    std::uint64_t operator()(const SourceSlice& source) const { return source.length; }
  } length;
  return std::visit(length, segment);
}

std::uint64_t length_of(const std::vector<Segment>& segments) {
  std::uint64_t sum = 0;
  for (const auto& segment : segments) sum += length_of(segment);
  return sum;
}

namespace {

Segment part_of(const Segment& segment, std::uint64_t offset, std::uint64_t length) {
  if (const auto* text = std::get_if<std::string>(&segment)) return text->substr(offset, length);
  if (const auto* file = std::get_if<FileSlice>(&segment)) {
    FileSlice part = *file;
    part.offset += offset;
    part.length = length;
    return part;
  }
  SourceSlice part = std::get<SourceSlice>(segment);
  part.offset += offset;
  part.length = length;
  return part;
}

}  // namespace

std::vector<Segment> slice(const std::vector<Segment>& segments, std::uint64_t offset, std::uint64_t length) {
  std::vector<Segment> parts;
  for (const auto& segment : segments) {
    const std::uint64_t size = length_of(segment);
    if (offset >= size) {
      offset -= size;
      continue;
    }
    const std::uint64_t take = std::min(size - offset, length);
    if (take == 0) break;
    parts.push_back(part_of(segment, offset, take));
    length -= take;
    offset = 0;
  }
  return parts;
}

}  // namespace toll::http
