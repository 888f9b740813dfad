// Where a request comes in: finds the operation, gives the request its id, serves it, writes the access log.
//
// Paths of the house itself (health, metrics, documentation) are pages: plain functions by exact path.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/metrics.h"
#include "api/router.h"
#include "api/surface.h"
#include "base/random.h"
#include "http/server.h"
#include "metering/usage.h"

namespace toll::api {

struct FrontOptions {
  std::vector<std::string> cors_origins;
  std::int64_t requests_per_second = 0;    // of everybody together, a safety net; 0: no limit
  identity::AddressRules trusted_proxies;  // whose X-Forwarded-For is believed
};

class Front final : public http::Handler {
 public:
  using Page = std::function<http::Response(const http::Request&)>;

  // All references must outlive the front. usage may be null.
  Front(const Clock& clock, Random& random, Metrics& metrics, metering::UsageRecorder* usage, FrontOptions options);

  void add(Surface surface);
  void add_page(std::string path, Page page);
  // A page for every path below this prefix.
  void add_pages(std::string prefix, Page page);

  asio::awaitable<http::Response> handle(const http::Request& request, http::BodyReader& body) override;
  http::Response refuse(int status) override;
  void served(const http::Request& request, const http::Response& response, const Served& how) override;

 private:
  struct Trace;
  bool over_the_limit(Time now);
  void count(const Trace& trace, const Served& how) const;
  const Surface* owner(std::string_view path) const;
  const Surface& surface_of(const Operation& operation) const;
  const Surface* surface_of_key(const http::Request& request) const;
  asio::awaitable<http::Response> unknown(const Surface* surface, const Router::Found& found, Exchange& exchange) const;
  std::string client_of(const http::Request& request) const;
  const Page* page_for(std::string_view path) const;
  http::Response failed(const http::Request& request, const Trace& trace, std::exception_ptr error) const;
  void finish(const http::Request& request, http::Response& response, std::shared_ptr<Trace> trace) const;
  void allow_origin(const http::Request& request, http::Response& response) const;
  http::Response preflight(const http::Request& request) const;

  const Clock& clock_;
  Random& random_;
  Metrics& metrics_;
  metering::UsageRecorder* usage_;
  FrontOptions options_;
  std::atomic<std::int64_t> second_{0}, in_second_{0};
  Router router_;
  std::vector<std::unique_ptr<Surface>> surfaces_;
  std::map<std::string, const Surface*, std::less<>> owners_;
  std::map<std::string, Page, std::less<>> pages_;
  std::vector<std::pair<std::string, Page>> prefixes_;
};

}  // namespace toll::api
