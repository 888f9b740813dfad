#include "api/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <atomic>
#include <map>
#include <shared_mutex>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace toll::api {

namespace {
// The boundaries that OpenTelemetry advises for http.server.request.duration, in seconds.
const prometheus::Histogram::BucketBoundaries seconds{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                                      0.5,   0.75, 1,     2.5,  5,     7.5, 10};
}  // namespace

class Metrics::Impl {
 public:
  using Labels = std::tuple<std::string, std::string, int>;

  // What this thread has looked up before is found by address, without the map and its lock.
  prometheus::Histogram& duration(std::string_view method, std::string_view route, int status) {
    struct Known {
      std::uint64_t owner = 0;
      std::unordered_map<std::uintptr_t, std::pair<Labels, prometheus::Histogram*>> histograms;
    };
    thread_local Known known;
    if (known.owner != id || known.histograms.size() > 4096) known = {id, {}};
    const auto address = reinterpret_cast<std::uintptr_t>(route.data()) * 1024 +
                         reinterpret_cast<std::uintptr_t>(method.data()) + static_cast<std::uintptr_t>(status);
    auto& [labels, histogram] = known.histograms[address];
    // The same address can be another text by now.
    if (!histogram || std::get<2>(labels) != status || std::get<1>(labels) != route || std::get<0>(labels) != method) {
      labels = Labels(method, route, status);
      histogram = &shared_duration(method, route, status);
    }
    return *histogram;
  }

  prometheus::Histogram& shared_duration(std::string_view method, std::string_view route, int status) {
    const auto key = std::tuple(method, route, status);
    {
      std::shared_lock lock(mutex);
      if (auto it = children.find(key); it != children.end()) return *it->second;
    }
    std::unique_lock lock(mutex);
    auto& child = durations.Add({{"http_request_method", std::string(method)},
                                 {"http_route", std::string(route)},
                                 {"http_response_status_code", std::to_string(status)}},
                                seconds);
    children.emplace(Labels(method, route, status), &child);
    return child;
  }

  static std::uint64_t next_id() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }
  const std::uint64_t id = next_id();
  prometheus::Registry registry;
  prometheus::Family<prometheus::Histogram>& durations = prometheus::BuildHistogram()
                                                             .Name("http_server_request_duration_seconds")
                                                             .Help("Duration of HTTP server requests.")
                                                             .Register(registry);
  prometheus::Counter& received = prometheus::BuildCounter()
                                      .Name("http_server_request_body_bytes_total")
                                      .Help("Bytes of request bodies read.")
                                      .Register(registry)
                                      .Add({});
  prometheus::Counter& sent = prometheus::BuildCounter()
                                  .Name("http_server_response_body_bytes_total")
                                  .Help("Bytes of response bodies sent.")
                                  .Register(registry)
                                  .Add({});
  std::vector<std::pair<prometheus::Gauge*, std::function<double()>>> gauges;
  std::map<Labels, prometheus::Histogram*, std::less<>> children;
  mutable std::shared_mutex mutex;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::observe(std::string_view method, std::string_view route, int status, std::chrono::microseconds duration,
                      std::uint64_t received, std::uint64_t sent) {
  impl_->duration(method, route, status).Observe(std::chrono::duration<double>(duration).count());
  if (received) impl_->received.Increment(static_cast<double>(received));
  if (sent) impl_->sent.Increment(static_cast<double>(sent));
}

void Metrics::gauge(std::string name, std::string help, std::function<double()> read) {
  auto& gauge = prometheus::BuildGauge().Name(std::move(name)).Help(std::move(help)).Register(impl_->registry).Add({});
  impl_->gauges.emplace_back(&gauge, std::move(read));
}

std::string Metrics::text() const {
  for (const auto& [gauge, read] : impl_->gauges) gauge->Set(read());
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace toll::api
