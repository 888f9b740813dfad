#include "tollhouse/hub/transfer.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <new>
#include <stdexcept>

#include "base/text.h"
#include "blob/s3/curl_option.h"

namespace toll::app::hub {

namespace {

using blob::s3::set_option;

struct Slist {
  curl_slist* first = nullptr;
  ~Slist() { curl_slist_free_all(first); }
  void add(const std::string& line) {
    auto* longer = curl_slist_append(first, line.c_str());
    if (!longer) throw std::bad_alloc();
    first = longer;
  }
};

struct Transfer {
  Head& head;
  const Take& take;
  std::exception_ptr failed;  // of take: nothing is thrown through libcurl
};

std::size_t on_bytes(char* bytes, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  try {
    return transfer.take({bytes, size * count}) ? size * count : 0;
  } catch (...) {
    transfer.failed = std::current_exception();
    return 0;
  }
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void read_field(Head& head, std::string_view name, std::string value) {
  if (equal_ignoring_case(name, "link"))
    head.link = std::move(value);
  else if (equal_ignoring_case(name, "content-range"))
    head.content_range = std::move(value);
  else if (equal_ignoring_case(name, "etag"))
    head.etag = std::move(value);
  else if (equal_ignoring_case(name, "last-modified"))
    head.last_modified = std::move(value);
  else if (equal_ignoring_case(name, "content-length"))
    head.content_length = number(value);
  else if (equal_ignoring_case(name, "retry-after"))
    head.retry_after = std::chrono::seconds(std::min<std::uint64_t>(number(value).value_or(0), 3600));
}

std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::string_view line(bytes, size * count);
  if (line.starts_with("HTTP/")) {
    transfer.head = {};
    const auto space = std::min(line.find(' '), line.size());
    transfer.head.status = static_cast<long>(number(line.substr(space + (space < line.size()), 3)).value_or(0));
  }
  if (const auto colon = line.find(':'); colon != line.npos)
    read_field(transfer.head, line.substr(0, colon), std::string(trim(line.substr(colon + 1))));
  return size * count;
}

void start_curl() {
  static const auto once = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (once != CURLE_OK) throw std::runtime_error("libcurl does not start");
}

void set_fields(const Options& options, const Asked& asked, Slist& fields) {
  fields.add("User-Agent: tollhouse");
  // libcurl sends this one to the first host only (CURLOPT_UNRESTRICTED_AUTH is off).
  if (!options.token.empty()) fields.add("Authorization: Bearer " + options.token);
  if (asked.offset == 0) return;
  fields.add(fmt::format("Range: bytes={}-", asked.offset));
  if (!asked.unless_changed.empty()) fields.add("If-Range: " + asked.unless_changed);
}

void set_bounds(CURL* curl, const Options& options, const Asked& asked) {
  set_option(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  set_option(curl, CURLOPT_REDIR_PROTOCOLS_STR, asked.url.starts_with("https:") ? "https" : "http,https");
  set_option(curl, CURLOPT_FOLLOWLOCATION, 1L);
  set_option(curl, CURLOPT_MAXREDIRS, 10L);
  set_option(curl, CURLOPT_FAILONERROR, 1L);
  set_option(curl, CURLOPT_NOSIGNAL, 1L);
  set_option(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set_option(curl, CURLOPT_CONNECTTIMEOUT, 20L);
  set_option(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  set_option(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.patience.count()));
  set_option(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(asked.most_time.count()));
  set_option(curl, CURLOPT_BUFFERSIZE, 256L << 10);
}

}  // namespace

bool Outcome::passing() const {
  if (code == CURLE_HTTP_RETURNED_ERROR || code == CURLE_OK) return status == 408 || status == 429 || status >= 500;
  for (const auto final : {CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_PEER_FAILED_VERIFICATION,
                           CURLE_TOO_MANY_REDIRECTS, CURLE_WRITE_ERROR})
    if (code == final) return false;
  return true;
}

std::string Outcome::text() const {
  if (code == CURLE_OK) return "the transfer ended before the file did";
  return error.empty() ? curl_easy_strerror(code) : error;
}

Outcome perform(const Options& options, const Asked& asked, Head& head, const Take& take) {
  start_curl();
  const std::unique_ptr<CURL, void (*)(CURL*)> handle(curl_easy_init(), curl_easy_cleanup);
  if (!handle) throw std::bad_alloc();
  CURL* curl = handle.get();
  Transfer transfer{head, take, {}};
  std::string error(CURL_ERROR_SIZE, '\0');
  Slist fields;
  set_fields(options, asked, fields);
  set_bounds(curl, options, asked);
  set_option(curl, CURLOPT_URL, asked.url.c_str());
  set_option(curl, CURLOPT_HTTPHEADER, fields.first);
  set_option(curl, CURLOPT_ERRORBUFFER, error.data());
  set_option(curl, CURLOPT_WRITEFUNCTION, &on_bytes);
  set_option(curl, CURLOPT_WRITEDATA, &transfer);
  set_option(curl, CURLOPT_HEADERFUNCTION, &on_header);
  set_option(curl, CURLOPT_HEADERDATA, &transfer);
  Outcome outcome;
  outcome.code = curl_easy_perform(curl);
  if (transfer.failed) std::rethrow_exception(transfer.failed);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &outcome.status);
  outcome.error = error.c_str();
  return outcome;
}

Fault fault_of(const std::string& url, const Outcome& outcome) {
  const bool refused = outcome.status == 401 || outcome.status == 403 || outcome.status == 404 || outcome.status == 410;
  return Fault(refused ? Reason::not_found : Reason::upstream_failed).because(url + ": " + outcome.text());
}

}  // namespace toll::app::hub
