#include "http/tests/running_server.h"

#include <condition_variable>
#include <fstream>

namespace toll::http {

Response text_response(std::string body, int status) {
  Response response;
  response.status = status;
  response.fields.add("Content-Type", "text/plain");
  response.body = std::move(body);
  return response;
}

asio::awaitable<Response> echo(const Request& request, BodyReader& body) {
  auto text = co_await read_all(body, 64 << 20);
  if (!text) co_return text_response(std::string(text.error().code()), 400);
  co_return text_response(request.method_text + " " + request.target + " " + *text);
}

std::size_t memory_kib(std::string_view line) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != std::string(line) + ":") continue;
    std::size_t kib = 0;
    status >> kib;
    return kib;
  }
  return 0;
}

class RunningServer::Adapter final : public Handler {
 public:
  explicit Adapter(Handle handle) : handle_(std::move(handle)) {}

  asio::awaitable<Response> handle(const Request& request, BodyReader& body) override { return handle_(request, body); }
  Response refuse(int status) override { return text_response("refused", status); }
  void served(const Request& request, const Response&, const Served& how) override {
    const std::lock_guard lock(mutex_);
    log_.push_back({request.method_text, request.target, how});
    grown_.notify_all();
  }

  std::vector<Log> log(std::size_t count) {
    std::unique_lock lock(mutex_);
    grown_.wait_for(lock, std::chrono::seconds(10), [&] { return log_.size() >= count; });
    return log_;
  }

 private:
  Handle handle_;
  std::mutex mutex_;
  std::condition_variable grown_;
  std::vector<Log> log_;
};

RunningServer::RunningServer(Handle handle, ServerOptions options)
    : adapter_(std::make_unique<Adapter>(std::move(handle))) {
  options.port = 0;
  server_ = make_server(options, *adapter_);
  thread_ = std::thread([this] { server_->run(); });
}

RunningServer::~RunningServer() {
  stop();
  join();
}

void RunningServer::join() {
  if (thread_.joinable()) thread_.join();
}

std::vector<RunningServer::Log> RunningServer::log(std::size_t count) {
  return adapter_->log(count);
}

}  // namespace toll::http
