// One request to an address that a user named, by libcurl, bounded in time and size.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "egress/guard.h"

namespace toll::egress {

// Whether the bytes are wanted; false ends the transfer.
using Take = std::function<bool(std::string_view bytes)>;
// The next bytes to send into the buffer, how many; 0: the end. -1: cannot be read.
using Give = std::function<std::ptrdiff_t(char* out, std::size_t room)>;

struct Request {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Give give;  // instead of body: `length` bytes; such a request follows no redirect
  std::uint64_t length = 0;
  int redirects = 3;  // more of them fail; 0: a redirect is an answer like others
  std::chrono::milliseconds connect{5'000};
  std::chrono::milliseconds read{30'000};        // without a byte
  std::chrono::milliseconds most_time{600'000};  // for all of it, redirects included
  std::uint64_t max_response = 1 << 20;          // bytes of the body
  bool trusted = false;                          // the address is the operator's own choice: not judged; redirects are
};

struct Response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;                                          // of send(); of fetch() where the status is not 2xx
  std::string url;                                           // where redirects led
  bool ok() const { return status / 100 == 2; }
  std::string header(std::string_view name) const;          // empty: absent
  std::optional<std::chrono::seconds> retry_after() const;  // of whole seconds, at most an hour
};

// Thread-safe.
class Client {
 public:
  explicit Client(Guard guard);
  ~Client();

  // Blocking; returns soon after `stop` was requested. Any status is an answer. Redirects are followed to http and
  // https, never from https to http; to another origin without the headers that the caller gave (but Accept,
  // Content-Type, User-Agent), and a POST only with 307 and 308 as a POST. Faults: egress_forbidden; fetch_failed (with
  // `why`, which names neither addresses nor anything of the answer); fetch_timed_out; upload_too_large (with `limit`:
  // the response was larger); cancelled.
  Result<Response> send(const Request& request, std::stop_token stop = {}) const;
  // The same, with the bytes of a 2xx answer given to `take` as they come. What `take` throws comes out of it.
  Result<Response> fetch(const Request& request, const Take& take, std::stop_token stop = {}) const;

  const Guard& guard() const { return guard_; }

 private:
  const Guard guard_;
};

// Whether a caller may name this header field: a token, and not one that frames the message or chooses where it goes
// (Host, Content-Length, Transfer-Encoding, Connection, Proxy-* ...).
bool may_set_header(std::string_view name);

// A fault that another attempt may not have: the network, or time.
bool is_passing(const Fault& fault);
// The same of a status: 408, 425, 429, 5xx.
bool is_passing(int status);

}  // namespace toll::egress
