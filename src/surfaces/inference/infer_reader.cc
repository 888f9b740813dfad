#include "surfaces/inference/infer_reader.h"

#include <charconv>
#include <set>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>

namespace toll::open_inference {

namespace {

namespace bj = boost::json;
using ErrorCode = boost::system::error_code;

constexpr std::size_t most_values = 100'000;  // beside data

// One open object or list.
struct Frame {
  bool list = false;
  std::set<std::string, std::less<>> names;
  std::string name;       // of the member that is being read
  std::size_t items = 0;  // that a list has had
};

struct Handler {
  static constexpr std::size_t max_object_size = bj::object::max_size();
  static constexpr std::size_t max_array_size = bj::array::max_size();
  static constexpr std::size_t max_key_size = bj::string::max_size();
  static constexpr std::size_t max_string_size = bj::string::max_size();

  bj::value_stack stack;
  std::vector<Frame> frames;
  std::map<std::size_t, InputData> data;
  std::string key;
  std::string why;
  std::size_t values = 0;
  std::size_t inside = 0;  // how deep in data; 0: elsewhere
  InputData* filling = nullptr;

  bool fail(ErrorCode& ec, std::string_view text) {
    why = text;
    ec = make_error_code(boost::system::errc::invalid_argument);
    return false;
  }
  // A value beside data begins.
  bool begin(ErrorCode& ec) {
    if (!frames.empty() && frames.back().list) ++frames.back().items;
    return ++values <= most_values || fail(ec, "there is too much beside the data of the tensors");
  }
  bool refuse_element(std::string_view what) {
    if (filling->why.empty()) filling->why = what;
    return true;
  }
  // The list that opens now is the data of an input.
  bool at_data() const {
    return frames.size() == 3 && !frames[2].list && frames[2].name == "data" && frames[1].list && !frames[0].list &&
           frames[0].name == "inputs";
  }

  bool on_document_begin(ErrorCode&) { return true; }
  bool on_document_end(ErrorCode&) { return true; }
  bool on_object_begin(ErrorCode& ec) {
    if (inside) return fail(ec, "the data of a tensor holds an object");
    if (!begin(ec)) return false;
    frames.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t n, ErrorCode&) {
    frames.pop_back();
    stack.push_object(n);
    return true;
  }
  bool on_array_begin(ErrorCode& ec) {
    if (inside) return ++inside, true;
    if (at_data()) {
      filling = &data[frames[1].items - 1];
      inside = 1;
      return true;
    }
    if (!begin(ec)) return false;
    frames.emplace_back().list = true;
    return true;
  }
  bool on_array_end(std::size_t n, ErrorCode&) {
    if (inside) {
      if (--inside == 0) stack.push_null();
      return true;
    }
    frames.pop_back();
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
    auto& frame = frames.back();
    frame.name = std::exchange(key, {});
    return frame.names.insert(frame.name).second || fail(ec, "duplicate member name");
  }
  bool on_string_part(std::string_view part, std::size_t, ErrorCode&) {
    if (!inside) stack.push_chars(part);
    return true;
  }
  bool on_string(std::string_view part, std::size_t, ErrorCode& ec) {
    if (inside) return refuse_element("holds a text, which no numeric tensor does");
    if (!begin(ec)) return false;
    stack.push_string(part);
    return true;
  }
  bool on_number_part(std::string_view, ErrorCode&) { return true; }
  bool on_int64(std::int64_t v, std::string_view, ErrorCode& ec) {
    if (inside) return filling->numbers.add(v), true;
    if (!begin(ec)) return false;
    stack.push_int64(v);
    return true;
  }
  bool on_uint64(std::uint64_t v, std::string_view, ErrorCode& ec) {
    if (inside) return filling->numbers.add(v), true;
    if (!begin(ec)) return false;
    stack.push_uint64(v);
    return true;
  }
  bool on_double(double v, std::string_view text, ErrorCode& ec) {
    if (inside) {
      // The parser's own conversion may be off by the last bit.
      double exact = v;
      std::from_chars(text.data(), text.data() + text.size(), exact);
      return filling->numbers.add(exact), true;
    }
    if (!begin(ec)) return false;
    stack.push_double(v);
    return true;
  }
  bool on_bool(bool v, ErrorCode& ec) {
    if (inside) return filling->numbers.add(v), true;
    if (!begin(ec)) return false;
    stack.push_bool(v);
    return true;
  }
  bool on_null(ErrorCode& ec) {
    if (inside) return refuse_element("holds null");
    if (!begin(ec)) return false;
    stack.push_null();
    return true;
  }
  bool on_comment_part(std::string_view, ErrorCode&) { return true; }
  bool on_comment(std::string_view, ErrorCode&) { return true; }
};

}  // namespace

Result<InferDocument> read_document(std::string_view text) {
  bj::basic_parser<Handler> parser{bj::parse_options{}};
  auto& handler = parser.handler();
  handler.stack.reset();
  ErrorCode ec;
  std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  for (; !ec && used < text.size(); ++used)
    if (std::string_view(" \t\r\n").find(text[used]) == std::string_view::npos) ec = bj::error::extra_data;
  if (!ec) return InferDocument{handler.stack.release(), std::move(handler.data)};
  return Fault(Reason::malformed_json).with("why", handler.why.empty() ? ec.message() : handler.why);
}

}  // namespace toll::open_inference
