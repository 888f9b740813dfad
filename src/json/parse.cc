#include "json/parse.h"

#include <cstdint>
#include <cstring>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_stack.hpp>

#include <set>

#include "base/log.h"
#include "base/text.h"

namespace toll::json {

namespace {

namespace bj = boost::json;
using ErrorCode = boost::system::error_code;

// Builds a value on Boost.JSON's stack and keeps, for each open object, the names seen so far.
struct StrictHandler {
  static constexpr std::size_t max_object_size = bj::object::max_size();
  static constexpr std::size_t max_array_size = bj::array::max_size();
  static constexpr std::size_t max_key_size = bj::string::max_size();
  static constexpr std::size_t max_string_size = bj::string::max_size();

  bj::value_stack stack;
  std::vector<std::set<std::string, std::less<>>> names;
  std::string key;
  bool duplicate = false;

  bool on_document_begin(ErrorCode&) { return true; }
  bool on_document_end(ErrorCode&) { return true; }
  bool on_object_begin(ErrorCode&) {
    names.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t n, ErrorCode&) {
    names.pop_back();
    stack.push_object(n);
    return true;
  }
  bool on_array_begin(ErrorCode&) { return true; }
  bool on_array_end(std::size_t n, ErrorCode&) {
    stack.push_array(n);
    return true;
  }
  bool on_key_part(std::string_view part, std::size_t, ErrorCode&) {
    key += part;
    stack.push_chars(part);
    return true;
  }
  bool on_key(std::string_view part, std::size_t, ErrorCode& ec) {
    key += part;
    stack.push_key(part);
    if (!names.back().insert(std::exchange(key, {})).second) {
      duplicate = true;
      ec = make_error_code(boost::system::errc::invalid_argument);
      return false;
    }
    return true;
  }
  bool on_string_part(std::string_view part, std::size_t, ErrorCode&) {
    stack.push_chars(part);
    return true;
  }
  bool on_string(std::string_view part, std::size_t, ErrorCode&) {
    stack.push_string(part);
    return true;
  }
  bool on_number_part(std::string_view, ErrorCode&) { return true; }
  bool on_int64(std::int64_t v, std::string_view, ErrorCode&) {
    stack.push_int64(v);
    return true;
  }
  bool on_uint64(std::uint64_t v, std::string_view, ErrorCode&) {
    stack.push_uint64(v);
    return true;
  }
  bool on_double(double v, std::string_view, ErrorCode&) {
    stack.push_double(v);
    return true;
  }
  bool on_bool(bool v, ErrorCode&) {
    stack.push_bool(v);
    return true;
  }
  bool on_null(ErrorCode&) {
    stack.push_null();
    return true;
  }
  bool on_comment_part(std::string_view, ErrorCode&) { return true; }
  bool on_comment(std::string_view, ErrorCode&) { return true; }
};

}  // namespace

Result<Value> parse(std::string_view text) {
  bj::parse_options options;
  options.max_depth = 64;
  bj::basic_parser<StrictHandler> parser{options};
  parser.handler().stack.reset();
  ErrorCode ec;
  std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  for (; !ec && used < text.size(); ++used)
    if (std::string_view(" \t\r\n").find(text[used]) == std::string_view::npos) ec = bj::error::extra_data;
  if (!ec) return parser.handler().stack.release();
  std::string why = parser.handler().duplicate ? "duplicate member name" : ec.message();
  FieldProblem problem{Place::body, {static_cast<std::int64_t>(used)}, Problem::bad_json, why, "{}"};
  return Fault(Reason::malformed_json).with("why", why).at({std::move(problem)});
}

namespace {

// Eight bytes at a time: a byte of `word` that is zero makes its highest bit in the answer one.
constexpr std::uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
constexpr std::uint64_t zero_bytes(std::uint64_t word) {
  return (word - ones) & ~word & highs;
}

// Printable ASCII without quotes and backslashes: nearly every text, and nothing to escape in it.
bool is_plain(std::string_view text) {
  std::uint64_t odd = 0;
  while (text.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), 8);
    const auto below_space = (word - 0x20 * ones) & ~word;
    odd |= word | below_space | zero_bytes(word ^ 0x22 * ones) | zero_bytes(word ^ 0x5c * ones) |
           zero_bytes(word ^ 0x7f * ones);
    text.remove_prefix(8);
  }
  for (unsigned char c : text)
    if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') return false;
  return (odd & highs) == 0;
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  out += '"';
  if (is_plain(text)) {
    out += text;
  } else if (valid_utf8(text)) {
    log::append_escaped(out, text);
  } else {
    while (!text.empty()) {
      std::size_t n = 1;
      while (n < 4 && n < text.size() && !valid_utf8(text.substr(0, n))) ++n;
      if (valid_utf8(text.substr(0, n))) {
        log::append_escaped(out, text.substr(0, n));
        text.remove_prefix(n);
      } else {
        out += "\xEF\xBF\xBD";
        text.remove_prefix(1);
      }
    }
  }
  out += '"';
}

}  // namespace toll::json
