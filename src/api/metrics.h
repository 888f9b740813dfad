// Numbers for operators, in Prometheus' text format with OpenTelemetry's names.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace toll::api {

// Thread-safe.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  // http.server.request.duration and the body sizes; `route` is the template, never the raw path.
  void observe(std::string_view method, std::string_view route, int status, std::chrono::microseconds duration,
               std::uint64_t received, std::uint64_t sent);
  // A number that is read when somebody asks.
  void gauge(std::string name, std::string help, std::function<double()> read);
  std::string text() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace toll::api
