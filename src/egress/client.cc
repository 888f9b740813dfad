#include "egress/client.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "base/text.h"
#include "egress/transfer.h"

namespace toll::egress {

namespace {

using Clock = std::chrono::steady_clock;
using Headers = std::vector<std::pair<std::string, std::string>>;

// Whatever may be a credential stays with the origin that it was given for.
Headers harmless(const Headers& headers) {
  Headers out;
  for (const auto& field : headers)
    for (const auto* name : {"accept", "content-type", "user-agent"})
      if (equal_ignoring_case(field.first, name)) out.push_back(field);
  return out;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// A line break would make more headers of one.
bool well_formed(const Headers& headers) {
  return std::all_of(headers.begin(), headers.end(), [](const auto& field) {
    const auto plain = [](unsigned char c) { return (c >= ' ' && c != 0x7f) || c == '\t'; };
    return may_set_header(field.first) && std::all_of(field.second.begin(), field.second.end(), plain);
  });
}

// Takes the hop to where the answer sends it. Faults: fetch_failed, egress_forbidden.
Result<void> follow(Hop& hop, const Landing& landing) {
  auto next = Target::parse(landing.redirect);
  if (!next)
    return Fault(Reason::egress_forbidden).because("a redirect of " + hop.target.origin() + " that cannot be followed");
  if (hop.target.scheme == "https" && next->scheme != "https")
    return Fault(Reason::fetch_failed).with("why", "it redirects to an address without encryption");
  const auto status = landing.response.status;
  if (hop.with_body && hop.request.give)
    return Fault(Reason::fetch_failed).with("why", "it redirects, and a file is sent once only");
  if (status == 303 || ((status == 301 || status == 302) && hop.method == "POST")) {
    if (hop.method != "HEAD") hop.method = "GET";
    hop.with_body = false;
    std::erase_if(hop.headers, [](const auto& field) { return equal_ignoring_case(field.first, "content-type"); });
  }
  if (next->origin() != hop.target.origin()) hop.headers = harmless(hop.headers);
  hop.target = std::move(*next);
  return {};
}

}  // namespace

std::string Response::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

std::optional<std::chrono::seconds> Response::retry_after() const {
  const auto seconds = parse_int(header("retry-after"));
  if (!seconds || *seconds < 0) return std::nullopt;
  return std::chrono::seconds(std::min<std::int64_t>(*seconds, 3600));
}

Client::Client(Guard guard) : guard_(std::move(guard)) {
  static const auto once = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (once != CURLE_OK) throw std::runtime_error("libcurl does not start");
}
Client::~Client() = default;

Result<Response> Client::send(const Request& request, std::stop_token stop) const {
  return fetch(request, nullptr, std::move(stop));
}

Result<Response> Client::fetch(const Request& request, const Take& take, std::stop_token stop) const {
  const auto end = Clock::now() + request.most_time;
  auto first = Target::parse(request.url);
  if (!first || !well_formed(request.headers))
    return Fault(Reason::egress_forbidden).because("malformed URL or header");
  Hop hop{.request = request, .method = request.method, .headers = request.headers, .target = std::move(*first)};
  for (int redirects = 0;; ++redirects) {
    hop.left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (hop.left.count() <= 0) return Fault(Reason::fetch_timed_out).because(hop.target.origin());
    const auto most = std::min(request.connect, hop.left);
    auto addresses = request.trusted && redirects == 0 ? guard_.addresses_of_trusted(hop.target.host, most, stop)
                                                       : guard_.addresses(hop.target.host, hop.target.port, most, stop);
    if (!addresses) return std::move(addresses).error();
    hop.addresses = std::move(*addresses);
    auto landing = transfer(hop, take ? &take : nullptr, stop);
    if (!landing) return std::move(landing).error();
    if (request.redirects == 0 || landing->redirect.empty() || !is_redirect(landing->response.status))
      return std::move(landing->response);
    if (redirects == request.redirects) return Fault(Reason::fetch_failed).with("why", "it redirects too often");
    if (auto followed = follow(hop, *landing); !followed) return std::move(followed).error();
  }
}

bool may_set_header(std::string_view name) {
  static constexpr std::array<std::string_view, 9> ours{
      "host", "content-length", "transfer-encoding", "connection", "keep-alive", "expect", "upgrade", "te", "trailer"};
  const auto token = [](unsigned char c) {
    return std::isalnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  };
  const auto small = lower(name);
  return !name.empty() && std::all_of(name.begin(), name.end(), token) && !small.starts_with("proxy-") &&
         std::find(ours.begin(), ours.end(), small) == ours.end();
}

bool is_passing(const Fault& fault) {
  return fault.reason() == Reason::fetch_failed || fault.reason() == Reason::fetch_timed_out;
}

bool is_passing(int status) {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

}  // namespace toll::egress
