#include "blob/s3/client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "base/clock.h"
#include "base/text.h"
#include "blob/s3/curl_option.h"

namespace toll::blob::s3 {

namespace {

// More would be no answer of an S3 server to what is asked here; a list of a thousand keys is far below.
constexpr std::size_t most_reply = 64 << 20;
constexpr std::size_t idle_handles = 16;

std::string host_of(std::string_view endpoint) {
  const auto scheme = endpoint.find("://");
  return std::string(scheme == endpoint.npos ? endpoint : endpoint.substr(scheme + 3));
}

struct Sending {
  const Body* body;
  std::uint64_t at = 0;
};

std::size_t give_bytes(char* out, std::size_t size, std::size_t count, void* context) {
  auto& sending = *static_cast<Sending*>(context);
  const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(size * count, sending.body->length - sending.at));
  const auto got = ::pread(sending.body->fd, out, room, static_cast<off_t>(sending.body->offset + sending.at));
  if (got < 0) return CURL_READFUNC_ABORT;
  sending.at += static_cast<std::uint64_t>(got);
  return static_cast<std::size_t>(got);
}

std::size_t take_bytes(char* bytes, std::size_t size, std::size_t count, void* context) {
  auto& out = *static_cast<std::string*>(context);
  if (out.size() + size * count > most_reply) return 0;
  out.append(bytes, size * count);
  return size * count;
}

std::size_t take_header(char* bytes, std::size_t size, std::size_t count, void* context) {
  auto& reply = *static_cast<Reply*>(context);
  const std::string_view line(bytes, size * count);
  if (line.starts_with("HTTP/")) reply.headers.clear();  // of a 100 Continue before
  if (const auto colon = line.find(':'); colon != line.npos)
    reply.headers.emplace_back(lower(line.substr(0, colon)), trim(line.substr(colon + 1)));
  return size * count;
}

int rewind(void* context, curl_off_t offset, int origin) {
  if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Sending*>(context)->at = static_cast<std::uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

bool passing(const Reply& reply) {
  return reply.status == 429 || (reply.status >= 500 && reply.status != 501 && reply.status != 507);
}

}  // namespace

std::string Reply::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

class Client::Handle {
 public:
  Handle() : raw(curl_easy_init()) {
    if (!raw) throw std::bad_alloc();
  }
  ~Handle() { curl_easy_cleanup(raw); }
  Handle(const Handle&) = delete;
  CURL* const raw;
};

Client::Client(const S3Options& options) : options_(options), host_(host_of(options.endpoint)) {
  static const auto once = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (once != CURLE_OK) throw std::runtime_error("libcurl does not start");
}
Client::~Client() = default;

std::unique_ptr<Client::Handle> Client::take() const {
  std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Handle>();
  auto handle = std::move(idle_.back());
  idle_.pop_back();
  return handle;
}

void Client::give_back(std::unique_ptr<Handle> handle) const {
  std::lock_guard lock(mutex_);
  if (idle_.size() < idle_handles) idle_.push_back(std::move(handle));
}

Result<Reply> Client::send(const Ask& ask) const {
  std::chrono::milliseconds pause(200);
  for (int left = options_.attempts;; --left) {
    auto reply = attempt(ask);
    if (reply && reply->status == 507)
      return Fault(Reason::storage_full).because("S3: " + ask.method + " " + ask.key + ": 507");
    if (reply && !passing(*reply)) return reply;
    if (left <= 1) {
      if (!reply) return reply;
      return Fault(Reason::object_store_unavailable)
          .because(fmt::format("S3: {} {}: {} {}", ask.method, ask.key, reply->status, reply->body.substr(0, 300)));
    }
    std::this_thread::sleep_for(pause);
    pause *= 3;
  }
}

Result<Reply> Client::attempt(const Ask& ask) const {
  const auto path = "/" + options_.bucket + (ask.key.empty() ? "" : "/" + options_.prefix + ask.key);
  sigv4::Message message{ask.method, path, ask.query, ask.headers};
  message.headers.emplace_back("host", host_);
  message.payload = ask.body.fd >= 0 ? ask.body.sha256 : hex(sha256(ask.body.text));
  auto fields = ask.headers;
  for (auto& field : sigv4::sign_headers(options_.credentials, {options_.region}, message, SystemClock().now()))
    fields.push_back(std::move(field));
  // Unless they are named, libcurl adds its own.
  fields.emplace_back("Expect", "");
  fields.emplace_back("Content-Type", ask.method == "PUT" ? "application/octet-stream" : "");

  auto handle = take();
  CURL* curl = handle->raw;
  curl_easy_reset(curl);  // keeps the connection
  struct List {
    curl_slist* first = nullptr;
    ~List() { curl_slist_free_all(first); }
  } list;
  for (const auto& [name, value] : fields)
    list.first = curl_slist_append(list.first, (name + (value.empty() ? ":" : ": " + value)).c_str());
  Reply reply;
  Sending sending{&ask.body};
  const auto query = sigv4::encode_query(ask.query);
  const auto url = options_.endpoint + sigv4::encode_path(path) + (query.empty() ? "" : "?" + query);
  char error[CURL_ERROR_SIZE] = "";
  set_option(curl, CURLOPT_URL, url.c_str());
  set_option(curl, CURLOPT_PATH_AS_IS, 1L);
  set_option(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  set_option(curl, CURLOPT_NOSIGNAL, 1L);
  set_option(curl, CURLOPT_ERRORBUFFER, error);
  set_option(curl, CURLOPT_CONNECTTIMEOUT, 10L);
  set_option(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  set_option(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.timeout.count()));
  set_option(curl, CURLOPT_HTTPHEADER, list.first);
  set_option(curl, CURLOPT_WRITEFUNCTION, &take_bytes);
  set_option(curl, CURLOPT_WRITEDATA, &reply.body);
  set_option(curl, CURLOPT_HEADERFUNCTION, &take_header);
  set_option(curl, CURLOPT_HEADERDATA, &reply);
  if (ask.method == "HEAD") {
    set_option(curl, CURLOPT_NOBODY, 1L);
  } else if (ask.body.fd >= 0) {
    set_option(curl, CURLOPT_UPLOAD, 1L);
    set_option(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(ask.body.length));
    set_option(curl, CURLOPT_READFUNCTION, &give_bytes);
    set_option(curl, CURLOPT_READDATA, &sending);
    set_option(curl, CURLOPT_SEEKFUNCTION, &rewind);
    set_option(curl, CURLOPT_SEEKDATA, &sending);
  } else if (ask.method == "PUT" || ask.method == "POST") {
    set_option(curl, CURLOPT_POSTFIELDS, ask.body.text.c_str());
    set_option(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(ask.body.text.size()));
    set_option(curl, CURLOPT_CUSTOMREQUEST, ask.method.c_str());
  } else {
    set_option(curl, CURLOPT_CUSTOMREQUEST, ask.method.c_str());
  }
  const auto done = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  reply.status = static_cast<int>(status);
  if (done != CURLE_OK)
    return Fault(Reason::object_store_unavailable)
        .because(fmt::format("S3: {} {}: {} {}", ask.method, ask.key, curl_easy_strerror(done), error));
  give_back(std::move(handle));
  return reply;
}

}  // namespace toll::blob::s3
