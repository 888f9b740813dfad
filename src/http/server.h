// The listener and its sessions: one single-threaded io_context per core (SO_REUSEPORT), a connection stays on its
// core.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "http/message.h"

namespace toll::http {

// Answers one request. Called on the connection's own thread; must not block it. An exception is answered with a bare
// 500 and logged. HEAD: answer as for GET; the session leaves the body out.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual asio::awaitable<Response> handle(const Request& request, BodyReader& body) = 0;
  // Answers what never became a request (bad syntax 400, header too large 431, timeout 408, too many connections 503).
  virtual Response refuse(int status) = 0;
  // Called after the last byte went out (or could not): the access log, metrics.
  struct Served {
    int status;
    std::uint64_t received, sent;  // body bytes
    std::chrono::microseconds duration;
    bool aborted;
  };
  virtual void served(const Request& request, const Response& response, const Served& how) = 0;
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;  // 0: any free port
  unsigned threads = 2;
  std::string certificate_file, key_file;  // both: TLS
  std::size_t max_header_bytes = 16 << 10;
  std::size_t max_connections = 4096;
  std::chrono::seconds header_timeout{15};  // from the first byte of a request to the end of its head
  std::chrono::seconds idle_timeout{75};    // between requests, and between two pieces of a body or of an answer
  std::uint64_t discard_bytes =
      16 << 20;  // after an answer given before the body was read: what is read and thrown away
  std::chrono::seconds discard_time{5};
  std::chrono::seconds drain_time{30};  // for requests in flight, at stop
};

class Server {
 public:
  virtual ~Server() = default;
  virtual std::uint16_t port() const = 0;
  // Runs until stop(); returns after the drain.
  virtual void run() = 0;
  // Thread-safe and async-signal-unsafe: stop accepting, let requests in flight end, then cut.
  virtual void stop() = 0;
};

// Binds at once; throws std::system_error when it cannot.
std::unique_ptr<Server> make_server(const ServerOptions& options, Handler& handler);

}  // namespace toll::http
