#include "egress/transfer.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>

#include "base/text.h"

namespace toll::egress {

namespace {

// What is kept of an answer that only tells why not.
constexpr std::size_t most_of_a_refusal = 64 << 10;
constexpr std::size_t most_headers = 200;

struct Slist {
  curl_slist* first = nullptr;
  ~Slist() { curl_slist_free_all(first); }
  void add(const std::string& line) {
    auto* longer = curl_slist_append(first, line.c_str());
    if (!longer) throw std::bad_alloc();
    first = longer;
  }
};

// What libcurl's callbacks work on.
struct Flight {
  const Hop& hop;
  const Take* take;
  Response response;
  std::uint64_t received = 0;
  bool too_large = false, strange_address = false;
  std::exception_ptr failed;  // nothing is thrown through libcurl
  std::chrono::steady_clock::time_point last_byte = std::chrono::steady_clock::now();
};

Address address_of(const curl_sockaddr& from) {
  namespace ip = boost::asio::ip;
  if (from.family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &from.addr, sizeof v4);
    return ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  sockaddr_in6 v6;
  // libcurl's struct declares the smaller sockaddr and holds as much as addrlen says.
  std::memcpy(&v6, static_cast<const void*>(&from.addr), std::min<std::size_t>(sizeof v6, from.addrlen));
  ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return ip::address_v6(bytes);
}

// The last word before a connection: whatever libcurl made of the host, only what was judged is connected to.
curl_socket_t open_socket(void* context, curlsocktype, curl_sockaddr* to) {
  auto& flight = *static_cast<Flight*>(context);
  const bool known = (to->family == AF_INET || to->family == AF_INET6) &&
                     std::find(flight.hop.addresses.begin(), flight.hop.addresses.end(), address_of(*to)) !=
                         flight.hop.addresses.end();
  if (!known) {
    flight.strange_address = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

std::size_t take_bytes(char* bytes, std::size_t size, std::size_t count, void* context) {
  auto& flight = *static_cast<Flight*>(context);
  const std::string_view text(bytes, size * count);
  flight.received += text.size();
  flight.last_byte = std::chrono::steady_clock::now();
  const bool wanted = flight.response.ok();
  if (wanted && flight.received > flight.hop.request.max_response) {
    flight.too_large = true;
    return 0;
  }
  try {
    if (wanted && flight.take) return (*flight.take)(text) ? text.size() : 0;
    const auto most = wanted ? flight.hop.request.max_response : most_of_a_refusal;
    const auto room = static_cast<std::size_t>(most) - std::min<std::size_t>(flight.response.body.size(), most);
    flight.response.body += text.substr(0, room);
    // A refusal that goes on for ever is cut off, not waited for.
    return wanted || flight.received <= 16 * most_of_a_refusal ? text.size() : 0;
  } catch (...) {
    flight.failed = std::current_exception();
    return 0;
  }
}

std::size_t take_header(char* bytes, std::size_t size, std::size_t count, void* context) {
  auto& flight = *static_cast<Flight*>(context);
  const std::string_view line(bytes, size * count);
  flight.last_byte = std::chrono::steady_clock::now();
  if (flight.received > 0) return line.size();  // a trailer
  if (line.starts_with("HTTP/")) {
    flight.response.headers.clear();
    const auto space = std::min(line.find(' '), line.size());
    flight.response.status =
        static_cast<int>(parse_int(line.substr(space, 4).substr(space < line.size() ? 1 : 0)).value_or(0));
  } else if (const auto colon = line.find(':'); colon != line.npos && flight.response.headers.size() < most_headers) {
    flight.response.headers.emplace_back(lower(line.substr(0, colon)), trim(line.substr(colon + 1)));
  }
  return size * count;
}

std::size_t give_bytes(char* out, std::size_t size, std::size_t count, void* context) {
  auto& flight = *static_cast<Flight*>(context);
  flight.last_byte = std::chrono::steady_clock::now();
  try {
    const auto given = flight.hop.request.give(out, size * count);
    return given < 0 ? CURL_READFUNC_ABORT : static_cast<std::size_t>(given);
  } catch (...) {
    flight.failed = std::current_exception();
    return CURL_READFUNC_ABORT;
  }
}

void set_bounds(CURL* curl, const Hop& hop) {
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(hop.request.connect.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(hop.left.count(), 1)));
}

void set_body(CURL* curl, const Hop& hop, Flight& flight) {
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, hop.method.c_str());
  if (hop.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (hop.with_body && hop.request.give) {
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(hop.request.length));
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, &give_bytes);
    curl_easy_setopt(curl, CURLOPT_READDATA, &flight);
  } else if (hop.with_body &&
             (hop.method == "POST" || hop.method == "PUT" || hop.method == "PATCH" || !hop.request.body.empty())) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, hop.request.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(hop.request.body.size()));
  }
}

bool names(const std::vector<std::pair<std::string, std::string>>& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const auto& field) { return equal_ignoring_case(field.first, name); });
}

void set_headers(const Hop& hop, Slist& fields) {
  // An empty one takes away libcurl's own.
  fields.add("Expect:");
  if (!names(hop.headers, "content-type")) fields.add("Content-Type:");
  if (!names(hop.headers, "user-agent")) fields.add("User-Agent: tollhouse");
  for (const auto& [name, value] : hop.headers) fields.add(value.empty() ? name + ";" : name + ": " + value);
}

bool is_address(const std::string& host) {
  boost::system::error_code error;
  boost::asio::ip::make_address(host, error);
  return !error;
}

// "host:port:address,address": the name is not looked up again.
std::string resolved(const Hop& hop) {
  std::string out = fmt::format("{}:{}:", hop.target.host, hop.target.port);
  for (std::size_t i = 0; i < hop.addresses.size(); ++i) {
    const auto text = hop.addresses[i].to_string();
    out += (i ? "," : "") + (hop.addresses[i].is_v6() ? "[" + text + "]" : text);
  }
  return out;
}

// Runs the transfer until its end, until nothing has come for too long, or until somebody wants it to stop.
CURLcode fly(CURL* curl, const Flight& flight, const std::stop_token& stop) {
  const std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)> multi(curl_multi_init(), curl_multi_cleanup);
  if (!multi) throw std::bad_alloc();
  curl_multi_add_handle(multi.get(), curl);
  CURLcode code = CURLE_ABORTED_BY_CALLBACK;
  {
    const std::stop_callback wake(stop, [&] { curl_multi_wakeup(multi.get()); });
    for (int running = 1; running > 0 && !stop.stop_requested();) {
      if (curl_multi_perform(multi.get(), &running) != CURLM_OK) break;
      const auto silent =
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - flight.last_byte);
      const auto left = flight.hop.request.read - silent;
      if (running > 0 && left.count() <= 0) {
        code = CURLE_OPERATION_TIMEDOUT;
        break;
      }
      if (running > 0)
        curl_multi_poll(multi.get(), nullptr, 0, static_cast<int>(std::min<std::int64_t>(left.count(), 1000)), nullptr);
    }
  }
  int left = 0;
  while (const auto* message = curl_multi_info_read(multi.get(), &left))
    if (message->msg == CURLMSG_DONE) code = message->data.result;
  curl_multi_remove_handle(multi.get(), curl);
  return code;
}

std::string_view why(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
      return "no connection could be made";
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return "its certificate is not trusted";
    case CURLE_SSL_CONNECT_ERROR:
      return "no secure connection could be made";
    case CURLE_GOT_NOTHING:
      return "the connection was closed without an answer";
    case CURLE_PARTIAL_FILE:
      return "the answer ended before its announced length";
    case CURLE_ABORTED_BY_CALLBACK:
      return "what was to be sent could not be read";
    default:
      return "the connection broke";
  }
}

Fault fault_of(const Flight& flight, CURLcode code, const std::string& error, const std::stop_token& stop) {
  auto cause = fmt::format("{}: {} {}", flight.hop.target.origin(), curl_easy_strerror(code), error);
  if (stop.stop_requested()) return Fault(Reason::cancelled);
  if (flight.strange_address) return Fault(Reason::egress_forbidden).because(std::move(cause));
  if (flight.too_large)
    return Fault(Reason::upload_too_large)
        .with("limit", std::to_string(flight.hop.request.max_response))
        .because(std::move(cause));
  if (code == CURLE_OPERATION_TIMEDOUT) return Fault(Reason::fetch_timed_out).because(std::move(cause));
  return Fault(Reason::fetch_failed).with("why", std::string(why(code))).because(std::move(cause));
}

}  // namespace

Result<Landing> transfer(const Hop& hop, const Take* take, const std::stop_token& stop) {
  const std::unique_ptr<CURL, void (*)(CURL*)> handle(curl_easy_init(), curl_easy_cleanup);
  if (!handle) throw std::bad_alloc();
  CURL* curl = handle.get();
  Flight flight{hop, take};
  Slist fields, names;
  std::string error(CURL_ERROR_SIZE, '\0');
  set_headers(hop, fields);
  // An address is not looked up, and libcurl does not take one of IPv6 here.
  if (!is_address(hop.target.host)) names.add(resolved(hop));
  set_bounds(curl, hop);
  set_body(curl, hop, flight);
  curl_easy_setopt(curl, CURLOPT_CURLU, hop.target.url.get());
  curl_easy_setopt(curl, CURLOPT_RESOLVE, names.first);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &flight);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields.first);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error.data());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &take_bytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &flight);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &flight);
  const auto code = fly(curl, flight, stop);
  if (flight.failed) std::rethrow_exception(flight.failed);
  const bool cut_off = code == CURLE_WRITE_ERROR && flight.response.status != 0 && !flight.response.ok();
  if (code != CURLE_OK && !cut_off) return fault_of(flight, code, error.c_str(), stop);
  Landing out{std::move(flight.response), {}};
  out.response.url = hop.target.text;
  char* redirect = nullptr;
  if (curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &redirect) == CURLE_OK && redirect) out.redirect = redirect;
  return out;
}

}  // namespace toll::egress
