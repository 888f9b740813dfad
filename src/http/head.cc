#include "http/head.h"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace toll::http {

namespace beast = boost::beast;

HeadScanner::Found HeadScanner::scan(std::string_view bytes) {
  while (seen_ < bytes.size()) {
    const void* found = std::memchr(bytes.data() + seen_, '\n', bytes.size() - seen_);
    if (!found) {
      seen_ = bytes.size();
      break;
    }
    const std::size_t newline = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
    if (newline == line_ || bytes[newline - 1] != '\r') return Found::bad;
    if (line_ > 0 && (bytes[line_] == ' ' || bytes[line_] == '\t')) return Found::bad;
    const bool empty = newline == line_ + 1;
    line_ = seen_ = newline + 1;
    if (empty) return Found::end;
  }
  return Found::nothing_yet;
}

namespace {

Method method_of(beast::http::verb verb) {
  switch (verb) {
    case beast::http::verb::get:
      return Method::get;
    case beast::http::verb::head:
      return Method::head;
    case beast::http::verb::post:
      return Method::post;
    case beast::http::verb::put:
      return Method::put;
    case beast::http::verb::patch:
      return Method::patch;
    case beast::http::verb::delete_:
      return Method::delete_;
    case beast::http::verb::options:
      return Method::options;
    default:
      return Method::other;
  }
}

// 18 digits: anything longer is no length, and the sum of two still fits.
std::optional<std::uint64_t> parse_length(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  return static_cast<std::uint64_t>(*parse_int(text));
}

bool valid_host(std::string_view host) {
  return host.find_first_of(" \t,/?#@\\\"<>{}|^`") == host.npos;
}

class Parser final : public beast::http::basic_parser<true> {
 public:
  explicit Parser(Head& head) : head_(head) {
    body_limit(boost::none);
    header_limit(0x7fffffff);  // the session has counted
  }
  bool one_host_if_needed() const { return hosts_ == 1 || (hosts_ == 0 && version_ == 10); }
  int version() const { return version_; }
  bool framing_allowed() const { return version_ == 11 || !head_.request.chunked; }

 private:
  using error_code = beast::error_code;
  using string_view = beast::string_view;

  static void refuse(error_code& ec) { ec = beast::http::error::bad_value; }

  void on_request_impl(beast::http::verb verb, string_view method, string_view target, int version,
                       error_code& ec) override {
    version_ = version;
    head_.request.method = method_of(verb);
    head_.request.method_text.assign(method.data(), method.size());
    if (!take_target({target.data(), target.size()})) refuse(ec);
  }

  // origin-form, absolute-form (whose authority is not ours to use), or * for OPTIONS
  bool take_target(std::string_view target) {
    auto& request = head_.request;
    if (target.starts_with("http://") || target.starts_with("https://")) {
      const auto slash = target.find_first_of("/?", target.find("//") + 2);
      target = slash == target.npos ? std::string_view("/") : target.substr(slash);
    }
    if (target[0] != '/' && !(target == "*" && request.method == Method::options)) return false;
    request.target.assign(target);
    const auto question = target.find('?');
    request.path.assign(target.substr(0, question));
    request.query.assign(question == target.npos ? std::string_view{} : target.substr(question + 1));
    return target.find('#') == target.npos;
  }

  void on_field_impl(beast::http::field field, string_view name, string_view text, error_code& ec) override {
    const std::string_view value(text.data(), text.size());
    auto& request = head_.request;
    switch (field) {
      case beast::http::field::content_length:
        if (request.content_length || request.chunked) return refuse(ec);
        request.content_length = parse_length(value);
        if (!request.content_length) return refuse(ec);
        break;
      case beast::http::field::transfer_encoding:
        if (request.content_length || request.chunked || !equal_ignoring_case(value, "chunked")) return refuse(ec);
        request.chunked = true;
        break;
      case beast::http::field::host:
        ++hosts_;
        if (!valid_host(value)) return refuse(ec);
        break;
      case beast::http::field::expect:
        head_.expects_continue = version_ == 11 && equal_ignoring_case(value, "100-continue");
        break;
      default:
        break;
    }
    request.fields.add({name.data(), name.size()}, value);
  }

  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}
  void on_response_impl(int, string_view, int, error_code& ec) override { refuse(ec); }

  Head& head_;
  int version_ = 0;
  int hosts_ = 0;
};

}  // namespace

bool parse_head(std::string_view bytes, Head& head) {
  head.expects_continue = false;
  head.request.fields.clear();
  head.request.content_length.reset();
  head.request.chunked = false;
  Parser parser(head);
  beast::error_code ec;
  const std::size_t used = parser.put(boost::asio::buffer(bytes), ec);
  if (ec || !parser.is_header_done() || used != bytes.size()) return false;
  head.keep_alive = parser.keep_alive();
  head.old_version = parser.version() == 10;
  return parser.one_host_if_needed() && parser.framing_allowed();
}

}  // namespace toll::http
