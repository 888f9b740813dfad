// A server on a free port in its own thread, whose handler is a function of the test.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "http/server.h"

namespace toll::http {

using Handle = std::function<asio::awaitable<Response>(const Request&, BodyReader&)>;

// Answers with what it was asked: method, target, body.
asio::awaitable<Response> echo(const Request& request, BodyReader& body);
Response text_response(std::string body, int status = 200);

// A line of /proc/self/status: VmRSS, or its peak VmHWM.
std::size_t memory_kib(std::string_view line);

class RunningServer {
 public:
  explicit RunningServer(Handle handle = echo, ServerOptions options = {});
  ~RunningServer();

  std::uint16_t port() const { return server_->port(); }
  void stop() { server_->stop(); }
  void join();  // returns when run() has

  struct Log {
    std::string method, target;
    Handler::Served how;
  };
  // What served() was told so far, once there are `count` of them.
  std::vector<Log> log(std::size_t count);

 private:
  class Adapter;
  std::unique_ptr<Adapter> adapter_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

}  // namespace toll::http
