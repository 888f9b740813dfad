#include "api/front.h"

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "base/text.h"

namespace toll::api {

// What the log and the meters want to know when the last byte is out.
struct Front::Trace {
  std::string request_id;
  std::string remote;            // the client's address
  std::string_view route = "-";  // of an operation, which outlives every request
  identity::PrincipalPtr who = identity::nobody();
  Time started;
  const Surface* surface = nullptr;
  bool charged = false;                       // the call took a unit of the rate limits
  std::function<void(const Served&)> served;  // what the endpoint wants to know when the answer is out
};

namespace {

bool valid_request_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' ||
           c == '.';
  });
}

// "0.000284"
std::string seconds_text(Micros time) {
  const auto micros = std::max<std::int64_t>(time.count(), 0);
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, micros / 1'000'000).ptr;
  std::string out(text, end);
  out += ".000000";
  char* digit = out.data() + out.size() - 1;
  for (auto rest = micros % 1'000'000; rest > 0; rest /= 10) *digit-- = static_cast<char>('0' + rest % 10);
  return out;
}

std::string_view without_trailing_slash(std::string_view path) {
  return path.size() > 1 && path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

http::Response bare(int status, std::string_view text) {
  http::Response response;
  response.status = status;
  response.fields.add("Content-Type", "application/json");
  response.body = "{\"detail\":\"" + std::string(text) + "\"}";
  return response;
}

std::string allow_value(const std::vector<Method>& methods) {
  std::string out;
  for (auto method : methods) {
    if (!out.empty()) out += ", ";
    out += http::to_string(method);
  }
  return out;
}

bool simple_method(Method method) {
  return method == Method::get || method == Method::head;
}

}  // namespace

Front::Front(const Clock& clock, Random& random, Metrics& metrics, metering::UsageRecorder* usage, FrontOptions options)
    : clock_(clock), random_(random), metrics_(metrics), usage_(usage), options_(std::move(options)) {}

// A fixed window: a safety net, not a metering limit. Two threads may both open a new second; the net then lets a few
// more through.
bool Front::over_the_limit(Time now) {
  if (options_.requests_per_second == 0) return false;
  const auto second = to_micros(now) / 1'000'000;
  if (second_.exchange(second) != second) in_second_ = 0;
  return ++in_second_ > options_.requests_per_second;
}

void Front::add(Surface surface) {
  auto& kept = *surfaces_.emplace_back(std::make_unique<Surface>(std::move(surface)));
  const auto prefixes = kept.dialect.prefixes;
  for (const auto& operation : kept.operations) {
    const bool has_one = std::ranges::any_of(
        prefixes, [&](auto prefix) { return !prefix.empty() && operation->about.path.starts_with(prefix); });
    if (has_one)
      router_.add(*operation);
    else
      for (auto prefix : prefixes) router_.add(*operation, prefix);
  }
  for (auto segment : kept.dialect.segments) owners_[std::string(segment)] = &kept;
}

void Front::add_page(std::string path, Page page) {
  pages_[std::move(path)] = std::move(page);
}
void Front::add_pages(std::string prefix, Page page) {
  prefixes_.emplace_back(std::move(prefix), std::move(page));
}

// The longest owned beginning of whole segments.
const Surface* Front::owner(std::string_view path) const {
  if (path.starts_with('/')) path.remove_prefix(1);
  for (;;) {
    if (auto it = owners_.find(path); it != owners_.end()) return it->second;
    const auto slash = path.rfind('/');
    if (slash == path.npos) return nullptr;
    path = path.substr(0, slash);
  }
}

const Surface& Front::surface_of(const Operation& operation) const {
  return **std::ranges::find_if(surfaces_,
                                [&](const auto& surface) { return surface->dialect.name == operation.about.surface; });
}

// A path that nobody answers is the surface's whose key was shown, if that surface counts calls: a key's limits hold
// everywhere.
const Surface* Front::surface_of_key(const http::Request& request) const {
  for (const auto& surface : surfaces_) {
    if (!surface->dialect.limits) continue;
    const auto shown = surface->dialect.credential(request, Access::either);
    if (shown && shown->kind != identity::CredentialKind::session) return surface.get();
  }
  return nullptr;
}

const Front::Page* Front::page_for(std::string_view path) const {
  if (auto it = pages_.find(without_trailing_slash(path)); it != pages_.end()) return &it->second;
  for (const auto& [prefix, page] : prefixes_)
    if (path.starts_with(prefix)) return &page;
  return nullptr;
}

asio::awaitable<http::Response> Front::unknown(const Surface* surface, const Router::Found& found,
                                               Exchange& exchange) const {
  const bool known_path = !found.allowed.empty();
  const auto fault = Fault(known_path ? Reason::method_not_allowed : Reason::unknown_route)
                         .with("method", exchange.request.method_text);
  http::Response response;
  if (surface)
    response = co_await serve_unknown(*surface->core, surface->dialect, fault, exchange);
  else
    response = known_path ? bare(405, "Method Not Allowed") : bare(404, "Not Found");
  if (known_path) response.fields.set("Allow", allow_value(found.allowed));
  co_return response;
}

// Whom the connection belongs to, seen through the operator's own proxies.
std::string Front::client_of(const http::Request& request) const {
  if (options_.trusted_proxies.empty()) return request.remote;
  std::vector<std::string_view> forwarded;
  for (const auto& [name, value] : request.fields)
    if (equal_ignoring_case(name, "X-Forwarded-For")) forwarded.push_back(value);
  if (forwarded.empty()) return request.remote;
  const auto address = identity::client_address(request.remote, forwarded, options_.trusted_proxies);
  return address ? identity::to_text(*address) : request.remote;
}

http::Response Front::failed(const http::Request& request, const Trace& trace, std::exception_ptr error) const {
  Fault fault(Reason::internal);
  std::string cause = "not an exception of the standard library";
  try {
    std::rethrow_exception(error);
  } catch (const sql::Overloaded&) {
    fault = Fault(Reason::overloaded).retry_after(std::chrono::seconds(1));
    cause = "the database queue is full";
  } catch (const std::exception& e) {
    cause = e.what();
  } catch (...) {
  }
  log::error("request.failed", {{"request_id", trace.request_id}, {"route", trace.route}, {"cause", cause}});
  const auto* surface = trace.surface ? trace.surface : owner(request.path);
  return surface ? fault_response(surface->dialect, fault, Access::open, request) : bare(500, "Internal Server Error");
}

void Front::allow_origin(const http::Request& request, http::Response& response) const {
  if (options_.cors_origins.empty()) return;
  response.fields.add("Vary", "Origin");
  const auto origin = request.fields.get("Origin");
  if (std::ranges::find(options_.cors_origins, origin) == options_.cors_origins.end()) return;
  response.fields.set("Access-Control-Allow-Origin", origin);
  response.fields.set("Access-Control-Expose-Headers",
                      "X-Request-Id, Link, Retry-After, Idempotency-Replayed, X-Next-Cursor, ETag, Content-Range");
}

http::Response Front::preflight(const http::Request& request) const {
  http::Response response;
  response.status = 204;
  response.fields.add("Access-Control-Allow-Methods", request.fields.get("Access-Control-Request-Method"));
  response.fields.add("Access-Control-Allow-Headers",
                      "Authorization, Content-Type, Idempotency-Key, X-API-Key, X-Admin-Token, X-Request-Id");
  response.fields.add("Access-Control-Max-Age", "600");
  return response;
}

void Front::finish(const http::Request& request, http::Response& response, std::shared_ptr<Trace> trace) const {
  response.fields.set("X-Request-Id", trace->request_id);
  response.fields.set("X-Content-Type-Options", "nosniff");
  if (trace->surface && trace->surface->dialect.process_time)
    response.fields.set("X-Process-Time", seconds_text(clock_.now() - trace->started));
  if (trace->surface && trace->surface->dialect.finish) trace->surface->dialect.finish(request, response);
  allow_origin(request, response);
  response.context = std::move(trace);
}

asio::awaitable<http::Response> Front::handle(const http::Request& request, http::BodyReader& body) {
  auto trace = std::make_shared<Trace>();
  const auto sent_id = request.fields.get("X-Request-Id");
  trace->request_id = valid_request_id(sent_id) ? std::string(sent_id) : random_.uuid4();
  trace->remote = client_of(request);
  trace->started = clock_.now();
  Exchange exchange{request, body, trace->request_id, trace->remote, {}, identity::nobody(), {}, false, {}, {}};
  http::Response response;
  std::exception_ptr error;
  try {
    auto found = router_.find(request.method, request.path);
    if (found.operation && over_the_limit(trace->started)) {
      response =
          fault_response(surface_of(*found.operation).dialect,
                         Fault(Reason::too_many_requests).retry_after(std::chrono::seconds(1)), Access::open, request);
    } else if (found.operation) {
      trace->surface = &surface_of(*found.operation);
      trace->route = found.operation->about.path;
      exchange.params = std::move(found.params);
      response = co_await serve(*trace->surface->core, trace->surface->dialect, *found.operation, exchange);
    } else if (const auto* page = page_for(request.path); page && simple_method(request.method)) {
      response = (*page)(request);
    } else if (request.method == Method::options && !options_.cors_origins.empty() &&
               request.fields.find("Access-Control-Request-Method")) {
      response = preflight(request);
    } else {
      if (page) found.allowed = {Method::get, Method::head};
      trace->surface = found.allowed.empty() ? surface_of_key(request) : nullptr;
      if (!trace->surface) trace->surface = owner(request.path);
      response = co_await unknown(trace->surface, found, exchange);
    }
  } catch (...) {
    error = std::current_exception();
  }
  trace->served = std::move(exchange.served);
  trace->who = std::move(exchange.who);
  trace->charged = exchange.charged;
  if (error) {
    response = failed(request, *trace, error);
    if (trace->surface && trace->surface->dialect.limits && exchange.verdict)
      trace->surface->dialect.limits(*exchange.verdict, clock_.now(), response);
  }
  finish(request, response, std::move(trace));
  co_return response;
}

http::Response Front::refuse(int status) {
  auto response = bare(status, status == 431   ? "Request header fields too large"
                               : status == 408 ? "Request timeout"
                               : status == 503 ? "Too many connections"
                                               : "Bad Request");
  auto trace = std::make_shared<Trace>();
  trace->request_id = random_.uuid4();
  response.fields.set("X-Request-Id", trace->request_id);
  response.context = std::move(trace);
  return response;
}

void Front::count(const Trace& trace, const Served& how) const {
  const auto& who = *trace.who;
  metering::UsageRecord row;
  row.account = who.account;
  row.subject = who.key ? who.subject : metering::Subject::of_sessions(who.account);
  row.endpoint = trace.route == "-" ? std::string_view("(unknown)") : trace.route;
  row.status = how.status;
  row.charged = trace.charged;
  row.duration = Micros(how.duration.count());
  row.at = trace.started + row.duration;
  if (const auto address = identity::parse_address(trace.remote)) row.address = {address->high, address->low};
  usage_->record(row);
}

void Front::served(const http::Request& request, const http::Response& response, const Served& how) {
  static const Trace unknown_trace{"-", "-", "-", identity::nobody(), {}, nullptr, false, {}};
  const auto* trace = response.context ? static_cast<const Trace*>(response.context.get()) : &unknown_trace;
  metrics_.observe(http::to_string(request.method), trace->route, how.status, how.duration, how.received, how.sent);
  if (trace->served) trace->served(how);
  const auto& who = *trace->who;
  if (usage_ && who.account.value() != 0) count(*trace, how);
  if (!log::enabled(log::Level::info)) return;
  // The path without its query: queries can hold signatures.
  log::info("http.request", {{"request_id", trace->request_id},
                             {"method", request.method_text},
                             {"path", without_keys(request.path)},
                             {"route", trace->route},
                             {"status", how.status},
                             {"duration_us", how.duration.count()},
                             {"received", how.received},
                             {"sent", how.sent},
                             {"remote", trace->remote},
                             {"account", who.account.value()},
                             {"aborted", how.aborted ? 1 : 0}});
}

}  // namespace toll::api
