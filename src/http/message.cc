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

namespace {
constexpr std::size_t usual_count = 8;  // more than most heads have
}

void Fields::add(std::string_view name, std::string_view value) {
  if (spare_.empty()) {
    if (all_.capacity() == 0) all_.reserve(usual_count);
    all_.emplace_back(name, value);
    return;
  }
  all_.push_back(std::move(spare_.back()));
  spare_.pop_back();
  all_.back().first.assign(name);
  all_.back().second.assign(value);
}

void Fields::set(std::string_view name, std::string_view value) {
  const auto same = [&](const auto& field) { return equal_ignoring_case(field.first, name); };
  auto first = std::find_if(all_.begin(), all_.end(), same);
  if (first == all_.end()) return add(name, value);
  first->second = value;
  all_.erase(std::remove_if(first + 1, all_.end(), same), all_.end());
}

std::optional<std::string_view> Fields::find(std::string_view name) const {
  for (const auto& [key, value] : all_)
    if (equal_ignoring_case(key, name)) return value;
  return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      all_.begin(), all_.end(), [&](const auto& field) { return equal_ignoring_case(field.first, name); }));
}

void Fields::clear() {
  std::move(all_.rbegin(), all_.rend(), std::back_inserter(spare_));
  all_.clear();
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
