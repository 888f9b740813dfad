#include "http/multipart.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "http/part_head.h"

namespace toll::http {

namespace {

// RFC 2046, 5.1.1: bchars, 1 to 70 of them, the last no space.
bool valid_boundary(std::string_view text) {
  static constexpr std::string_view bchars =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'()+_,-./:=? ";
  return !text.empty() && text.size() <= 70 && text.back() != ' ' && text.find_first_not_of(bchars) == text.npos;
}

std::size_t find(std::string_view bytes, std::string_view what) {
  const void* found = ::memmem(bytes.data(), bytes.size(), what.data(), what.size());
  return found ? static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data()) : bytes.npos;
}

std::size_t common_prefix(std::string_view a, std::string_view b) {
  const std::size_t most = std::min(a.size(), b.size());
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.begin() + most, b.begin()).first - a.begin());
}

}  // namespace

std::optional<std::string> multipart_boundary(std::string_view content_type) {
  const auto end = std::min(content_type.find(';'), content_type.size());
  if (!equal_ignoring_case(trim(content_type.substr(0, end)), "multipart/form-data")) return std::nullopt;
  std::optional<std::string> boundary;
  Parameters parameters(content_type.substr(end));
  while (parameters.next()) {
    if (!equal_ignoring_case(parameters.name(), "boundary")) continue;
    if (boundary || !valid_boundary(parameters.value())) return std::nullopt;
    boundary = parameters.value();
  }
  return parameters.ok() ? boundary : std::nullopt;
}

// The first delimiter may stand at the very start, where no CRLF precedes it.
MultipartParser::MultipartParser(std::string boundary) : delimiter_("\r\n--" + std::move(boundary)), matched_(2) {}

Result<std::vector<MultipartParser::Event>> MultipartParser::feed(std::string_view bytes) {
  std::vector<Event> events;
  while (!bytes.empty() && state_ != State::broken && state_ != State::epilogue) {
    if (state_ == State::preamble || state_ == State::data)
      bytes = scan_text(bytes, events);
    else if (state_ == State::head)
      bytes = scan_head(bytes, events);
    else
      bytes = scan_line(bytes);
  }
  if (state_ == State::broken) return Fault(Reason::malformed_multipart).because(why_);
  return events;
}

Result<void> MultipartParser::finish() {
  if (state_ == State::epilogue) return {};
  return Fault(Reason::malformed_multipart).because(why_.empty() ? "no closing boundary" : why_);
}

std::string_view MultipartParser::fail(const char* why) {
  state_ = State::broken;
  why_ = why;
  return {};
}

// Preamble or data, up to the next delimiter.
std::string_view MultipartParser::scan_text(std::string_view bytes, std::vector<Event>& events) {
  if (matched_ > 0) return resume_delimiter(bytes, events);
  const std::size_t at = find(bytes, delimiter_);
  if (at != bytes.npos) {
    text_found(bytes.substr(0, at), events);
    delimiter_found(events);
    return bytes.substr(at + delimiter_.size());
  }
  // Only the last CR of all can begin a delimiter that goes on in the next piece.
  const std::string_view tail = bytes.substr(bytes.size() - std::min(bytes.size(), delimiter_.size() - 1));
  const auto last = tail.rfind('\r');
  if (last != tail.npos && std::string_view(delimiter_).starts_with(tail.substr(last))) matched_ = tail.size() - last;
  text_found(bytes.substr(0, bytes.size() - matched_), events);
  return {};
}

// The last piece ended within what could be a delimiter.
std::string_view MultipartParser::resume_delimiter(std::string_view bytes, std::vector<Event>& events) {
  const std::string_view expected = std::string_view(delimiter_).substr(matched_);
  const std::size_t same = common_prefix(bytes, expected);
  if (same == expected.size()) {
    delimiter_found(events);
    return bytes.substr(same);
  }
  if (same == bytes.size()) {
    matched_ += same;
    return {};
  }
  // It was none; no other one can begin within it, as its only CR is the first byte.
  text_found(std::string_view(delimiter_).substr(0, matched_), events);
  matched_ = 0;
  return bytes;
}

void MultipartParser::text_found(std::string_view text, std::vector<Event>& events) {
  if (state_ == State::data && !text.empty()) events.push_back({Event::part_data, {}, text});
}

void MultipartParser::delimiter_found(std::vector<Event>& events) {
  if (state_ == State::data) events.push_back({Event::part_end, {}, {}});
  matched_ = 0;
  state_ = State::after_delimiter;
}

// What may follow a delimiter: "--", or blanks and the end of the line.
std::string_view MultipartParser::scan_line(std::string_view bytes) {
  const char c = bytes.front();
  if (state_ == State::closing) {
    if (c != '-') return fail("a boundary line goes on after its boundary");
    state_ = State::epilogue;
    return {};
  }
  if (c == '-' && state_ == State::after_delimiter) {
    state_ = State::closing;
  } else if (c == ' ' || c == '\t') {
    state_ = State::padding;
  } else if (c == '\r') {
    if (++parts_ > max_parts) return fail("too many parts");
    state_ = State::head;
    head_.clear();
    return bytes;
  } else {
    return fail("a boundary line goes on after its boundary");
  }
  return bytes.substr(1);
}

// Collects CRLF, lines and the empty line. Heads are small: they are copied, so that a split one needs no care.
std::string_view MultipartParser::scan_head(std::string_view bytes, std::vector<Event>& events) {
  static constexpr std::string_view end = "\r\n\r\n";
  const std::size_t before = head_.size();
  head_.append(bytes.substr(0, max_head + end.size() - before));
  const auto at = head_.find(end, before < end.size() ? 0 : before - (end.size() - 1));
  if (at == head_.npos || at > max_head)
    return head_.size() >= max_head + end.size() ? fail("the head of a part is too long") : std::string_view{};
  auto head = parse_part_head(std::string_view(head_).substr(0, at + 2));
  if (!head) return fail("the head of a part is broken");
  events.push_back({Event::part_begin, std::move(*head), {}});
  state_ = State::data;
  return bytes.substr(at + end.size() - before);
}

}  // namespace toll::http
