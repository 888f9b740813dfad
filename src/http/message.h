// Requests and responses without product words.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace toll::http {

namespace asio = boost::asio;

enum class Method { get, head, post, put, patch, delete_, options, other };
std::string_view to_string(Method method);

// Header fields in order. Names compare without case. All text lies in one piece of memory: a view of a name or value
// lives until the next add() or set().
class Fields {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = std::pair<std::string_view, std::string_view>;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = value_type;
    Iterator() = default;
    value_type operator*() const { return {fields_->name(at_), fields_->value(at_)}; }
    Iterator& operator++() { return ++at_, *this; }
    Iterator operator++(int) { return {*fields_, at_++}; }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    friend class Fields;
    Iterator(const Fields& fields, std::size_t at) : fields_(&fields), at_(at) {}
    const Fields* fields_ = nullptr;
    std::size_t at_ = 0;
  };

  void add(std::string_view name, std::string_view value);
  void set(std::string_view name, std::string_view value);
  // The first value; nullopt if absent.
  std::optional<std::string_view> find(std::string_view name) const;
  std::string_view get(std::string_view name) const { return find(name).value_or(std::string_view{}); }
  std::size_t count(std::string_view name) const;
  // Forgets the fields, but not their memory: a connection parses every head into the same Fields.
  void clear();
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, places_.size()}; }

 private:
  struct Place {
    std::uint32_t at, name, value;  // the name and, right behind it, the value: lengths
  };
  std::string_view name(std::size_t i) const { return {text_.data() + places_[i].at, places_[i].name}; }
  std::string_view value(std::size_t i) const {
    return {text_.data() + places_[i].at + places_[i].name, places_[i].value};
  }
  std::size_t index_of(std::string_view name, std::size_t from = 0) const;
  Place put(std::string_view name, std::string_view value);

  std::string text_;
  std::vector<Place> places_;
};

// The head of a request. The path is percent-decoded only by who splits it: a %2F stays a %2F here.
struct Request {
  Method method = Method::get;
  std::string method_text;  // as sent
  std::string target;       // path?query as sent
  std::string path;         // as sent, without query
  std::string query;        // as sent, without '?'
  Fields fields;
  std::string remote;  // peer address without port
  bool tls = false;
  std::optional<std::uint64_t> content_length;  // nullopt with chunked bodies
  bool chunked = false;
  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

// The request's body, pulled piece by piece; nothing is read ahead of what is asked for. The first read sends 100
// Continue when the client waits for it.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // The next piece, empty at the end. The view is valid until the next call. Faults: client_gone, request_timeout,
  // body_too_large (over set_limit), malformed chunking as invalid_request.
  virtual asio::awaitable<Result<std::string_view>> read() = 0;
  // Bytes this body may have; checked against Content-Length by the caller, against the stream by read().
  virtual void set_limit(std::uint64_t bytes) = 0;
  // The client's connection as a descriptor of its own, which polls POLLRDHUP once the client has hung up; to be closed
  // by the caller. -1: there is none. On the connection's thread.
  virtual int watch() { return -1; }
};

// The whole body as text, at most `limit` bytes. Faults as read(), body_too_large.
asio::awaitable<Result<std::string>> read_all(BodyReader& body, std::uint64_t limit);

// A slice of an open file; sent with sendfile on plain connections. `keep` keeps the descriptor open.
struct FileSlice {
  std::shared_ptr<const void> keep;
  int fd = -1;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// Bytes that come from elsewhere (an S3 store).
class Source {
 public:
  virtual ~Source() = default;
  virtual asio::awaitable<Result<std::size_t>> read_at(std::uint64_t offset, std::span<char> out) = 0;
};
struct SourceSlice {
  std::shared_ptr<Source> source;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// A body is a list of segments of known length, so that lengths, ranges and ETags hold for all of them alike.
using Segment = std::variant<std::string, FileSlice, SourceSlice>;
std::uint64_t length_of(const Segment& segment);
std::uint64_t length_of(const std::vector<Segment>& segments);
// The bytes [offset, offset + length) of the concatenation.
std::vector<Segment> slice(const std::vector<Segment>& segments, std::uint64_t offset, std::uint64_t length);

struct Response {
  int status = 200;
  Fields fields;                        // without Content-Length, Date, Connection: the session writes those
  std::string body;                     // the usual body
  std::vector<Segment> stream;          // or this one, when not empty
  std::shared_ptr<const void> context;  // the handler's own, handed back to it by served()
};

// Makes `full` (status 200, strong ETag in its fields) the answer to a conditional and ranged GET or HEAD (RFC 9110, 13
// and 14): 304 for If-None-Match, 206 for one satisfiable range (If-Range heeded), 200 for several, 416 with
// Content-Range: bytes */N for none. Adds Accept-Ranges.
Response apply_conditions(const Request& request, Response full);

}  // namespace toll::http
