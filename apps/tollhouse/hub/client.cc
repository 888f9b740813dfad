#include "tollhouse/hub/client.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <system_error>
#include <thread>

#include "base/checksum.h"
#include "base/text.h"
#include "json/parse.h"

namespace toll::app::hub {

namespace {

constexpr std::size_t most_json = 64 << 20;
constexpr int most_pages = 10'000;

struct Slist {
  curl_slist* first = nullptr;
  ~Slist() { curl_slist_free_all(first); }
  void add(const std::string& line) { first = curl_slist_append(first, line.c_str()); }
};

// One request under way: where its bytes go, and what its head says.
struct Transfer {
  CURL* curl = nullptr;
  std::string error = std::string(CURL_ERROR_SIZE, '\0');
  std::string link;           // of the last answer
  std::string content_range;  // the same
  std::function<bool(std::string_view)> take;
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

std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::string_view line(bytes, size * count);
  if (line.starts_with("HTTP/")) transfer.link.clear(), transfer.content_range.clear();
  const auto colon = line.find(':');
  if (colon != line.npos && equal_ignoring_case(line.substr(0, colon), "link"))
    transfer.link = trim(line.substr(colon + 1));
  if (colon != line.npos && equal_ignoring_case(line.substr(0, colon), "content-range"))
    transfer.content_range = trim(line.substr(colon + 1));
  return size * count;
}

struct Outcome {
  CURLcode code = CURLE_OK;
  long status = 0;
  std::string error;
  // Another attempt may succeed.
  bool passing() const {
    if (code == CURLE_HTTP_RETURNED_ERROR || code == CURLE_OK) return status == 429 || status >= 500;
    return code != CURLE_URL_MALFORMAT && code != CURLE_UNSUPPORTED_PROTOCOL && code != CURLE_PEER_FAILED_VERIFICATION;
  }
};

Outcome perform(const Options& options, const std::string& url, std::uint64_t offset, Transfer& transfer) {
  const std::unique_ptr<CURL, void (*)(CURL*)> handle(curl_easy_init(), curl_easy_cleanup);
  if (!handle) throw std::bad_alloc();
  CURL* curl = transfer.curl = handle.get();
  Slist fields;
  fields.add("User-Agent: tollhouse");
  // libcurl sends this one to the first host only (CURLOPT_UNRESTRICTED_AUTH is off).
  if (!options.token.empty()) fields.add("Authorization: Bearer " + options.token);
  if (offset > 0) fields.add(fmt::format("Range: bytes={}-", offset));
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields.first);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, url.starts_with("https:") ? "https" : "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer.error.data());
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 20L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.patience.count()));
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L << 10);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &on_bytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  Outcome outcome;
  outcome.code = curl_easy_perform(curl);
  if (transfer.failed) std::rethrow_exception(transfer.failed);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &outcome.status);
  outcome.error = transfer.error.c_str();
  return outcome;
}

Fault fault_of(const std::string& url, const Outcome& outcome) {
  const auto cause = outcome.error.empty() ? std::string(curl_easy_strerror(outcome.code)) : outcome.error;
  const bool refused = outcome.status == 401 || outcome.status == 403 || outcome.status == 404;
  return Fault(refused ? Reason::not_found : Reason::upstream_failed).because(url + ": " + cause);
}

struct Page {
  json::Value value;
  std::string link;
};

Result<Page> get_json(const Options& options, const std::string& url) {
  auto pause = options.pause;
  for (int attempt = 1;; ++attempt) {
    std::string body;
    Transfer transfer;
    transfer.take = [&](std::string_view bytes) {
      body += bytes;
      return body.size() <= most_json;
    };
    const auto outcome = perform(options, url, 0, transfer);
    if (outcome.code == CURLE_OK) {
      auto value = json::parse(body);
      if (!value) return Fault(Reason::upstream_failed).because(url + ": " + value.error().detail());
      return Page{std::move(*value), transfer.link};
    }
    if (!outcome.passing() || attempt >= options.attempts) return fault_of(url, outcome);
    std::this_thread::sleep_for(pause);
    pause *= 2;
  }
}

// "<url>; rel="next"" of a Link field (RFC 8288).
std::optional<std::string> next_of(std::string_view link) {
  while (!link.empty()) {
    const auto open = link.find('<'), close = link.find('>');
    if (open == link.npos || close == link.npos || close < open) return std::nullopt;
    const auto url = link.substr(open + 1, close - open - 1);
    const auto end = link.find(",", close);
    const auto parameters = lower(link.substr(close, end == link.npos ? end : end - close));
    if (parameters.find("rel=\"next\"") != std::string::npos || parameters.find("rel=next") != std::string::npos)
      return std::string(url);
    link = end == link.npos ? std::string_view{} : link.substr(end + 1);
  }
  return std::nullopt;
}

std::string_view origin_of(std::string_view url) {
  const auto scheme = url.find("://");
  return url.substr(0, scheme == url.npos ? 0 : url.find('/', scheme + 3));
}

std::optional<std::string> text_in(const json::Object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (!value || !value->is_string() || value->get_string().empty()) return std::nullopt;
  return std::string(value->get_string());
}

std::optional<std::int64_t> number_in(const json::Object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value && value->is_int64()) return value->get_int64();
  if (value && value->is_uint64()) return static_cast<std::int64_t>(value->get_uint64());
  return std::nullopt;
}

// A text, or a list of texts joined with ", ".
std::optional<std::string> texts_in(const json::Object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (!value || !value->is_array()) return text_in(object, name);
  std::string out;
  for (const auto& item : value->get_array())
    if (item.is_string()) out += (out.empty() ? "" : ", ") + std::string(item.get_string());
  if (out.empty()) return std::nullopt;
  return out;
}

// "2024-05-01T12:34:56.000Z"; the fraction is dropped.
std::optional<Time> time_in(const json::Object& object, std::string_view name) {
  const auto text = text_in(object, name);
  if (!text || text->size() < 19) return std::nullopt;
  std::tm t{};
  if (!::strptime(text->substr(0, 19).c_str(), "%Y-%m-%dT%H:%M:%S", &t)) return std::nullopt;
  return Time(std::chrono::seconds(::timegm(&t)));
}

std::optional<std::string> license_of(const json::Object& model) {
  if (const auto* card = model.if_contains("cardData"); card && card->is_object())
    if (auto license = texts_in(card->get_object(), "license")) return license;
  if (const auto* tags = model.if_contains("tags"); tags && tags->is_array())
    for (const auto& tag : tags->get_array())
      if (tag.is_string() && std::string_view(tag.get_string()).starts_with("license:"))
        return std::string(tag.get_string()).substr(8);
  return std::nullopt;
}

models::Source source_of(const json::Object& model, const std::string& repo, const Options& options) {
  models::Source out;
  out.card.canonical_url = options.endpoint + "/" + repo;
  out.card.model_name = repo.substr(repo.rfind('/') + 1);
  out.card.author = text_in(model, "author");
  if (!out.card.author && repo.find('/') != std::string::npos) out.card.author = repo.substr(0, repo.find('/'));
  out.card.pipeline_tag = text_in(model, "pipeline_tag");
  out.card.license = license_of(model);
  out.card.tags = texts_in(model, "tags");
  if (const auto* card = model.if_contains("cardData"); card && card->is_object())
    out.card.languages = texts_in(card->get_object(), "language");
  if (const auto* weights = model.if_contains("safetensors"); weights && weights->is_object())
    out.card.parameters = number_in(weights->get_object(), "total");
  out.commit = text_in(model, "sha");
  out.downloads = number_in(model, "downloads");
  out.likes = number_in(model, "likes");
  out.created_at = time_in(model, "createdAt");
  out.last_modified = time_in(model, "lastModified");
  return out;
}

std::optional<Sha256> sha256_of(std::string_view text) {
  const auto bytes = from_hex(text);
  if (!bytes || bytes->size() != 32) return std::nullopt;
  Sha256 out;
  std::ranges::copy(as_span(*bytes), out.begin());
  return out;
}

Result<std::optional<File>> file_of(const json::Value& entry) {
  const auto broken = [] { return Fault(Reason::upstream_failed).because("the hub's list of files is broken"); };
  if (!entry.is_object()) return broken();
  const auto& object = entry.get_object();
  if (text_in(object, "type") != "file") return std::optional<File>();
  const auto path = text_in(object, "path"), oid = text_in(object, "oid");
  const auto size = number_in(object, "size");
  if (!path || !size || *size < 0) return broken();
  File file{*path, static_cast<std::uint64_t>(*size), {}, oid.value_or("")};
  if (const auto* lfs = object.if_contains("lfs"); lfs && lfs->is_object()) {
    auto name = text_in(lfs->get_object(), "oid").value_or("");
    if (name.starts_with("sha256:")) name = name.substr(7);
    file.sha256 = sha256_of(name);
    if (!file.sha256) return broken();
    if (auto whole = number_in(lfs->get_object(), "size")) file.size = static_cast<std::uint64_t>(*whole);
  } else if (file.git_blob.size() != 40) {
    return broken();
  }
  return std::optional(file);
}

// The part file, with what it holds already.
class PartFile {
 public:
  explicit PartFile(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)), path_(path) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "open " + path.string());
    struct stat found {};
    ::fstat(fd_, &found);
    size_ = static_cast<std::uint64_t>(found.st_size);
  }
  ~PartFile() { ::close(fd_); }
  PartFile(const PartFile&) = delete;
  std::uint64_t size() const { return size_; }
  void clear() {
    if (::ftruncate(fd_, 0) != 0) fail();
    size_ = 0;
  }
  void append(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto count = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail();
      size_ += static_cast<std::uint64_t>(count);
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

 private:
  [[noreturn]] void fail() const { throw std::system_error(errno, std::generic_category(), "write " + path_.string()); }
  int fd_;
  std::uint64_t size_ = 0;
  std::filesystem::path path_;
};

std::string encoded(std::string_view path) {
  std::string out;
  for (char c : path) out += c == '/' ? "/" : percent_encode({&c, 1});
  return out;
}

void start_curl() {
  static const auto once = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (once != CURLE_OK) throw std::runtime_error("libcurl does not start");
}

}  // namespace

Client::Client(Options options) : options_(std::move(options)) {
  start_curl();
}

Result<models::Source> Client::resolve(const std::string& repo, const std::string& revision) const {
  const auto url =
      fmt::format("{}/api/models/{}/revision/{}", options_.endpoint, encoded(repo), percent_encode(revision));
  const auto page = TOLL_TRY(get_json(options_, url));
  if (!page.value.is_object()) return Fault(Reason::upstream_failed).because(url + ": not an object");
  auto source = source_of(page.value.get_object(), repo, options_);
  const auto commit = source.commit.value_or("");
  if (commit.size() != 40 || !from_hex(commit))
    return Fault(Reason::upstream_failed).because(url + ": names no commit");
  return source;
}

Result<std::vector<File>> Client::files(const std::string& repo, const std::string& commit) const {
  std::vector<File> out;
  auto url = fmt::format("{}/api/models/{}/tree/{}?recursive=true", options_.endpoint, encoded(repo), commit);
  for (int pages = 0; pages < most_pages; ++pages) {
    const auto page = TOLL_TRY(get_json(options_, url));
    if (!page.value.is_array()) return Fault(Reason::upstream_failed).because(url + ": not a list");
    for (const auto& entry : page.value.get_array())
      if (auto file = TOLL_TRY(file_of(entry))) out.push_back(std::move(*file));
    auto next = next_of(page.link);
    if (!next) return out;
    if (next->starts_with('/')) next = std::string(origin_of(options_.endpoint)) + *next;
    // The token goes with every request of ours, so no page may lead elsewhere.
    if (origin_of(*next) != origin_of(options_.endpoint))
      return Fault(Reason::upstream_failed).because("the next page is on another host: " + *next);
    url = *next;
  }
  return Fault(Reason::upstream_failed).because("the list of files does not end");
}

Result<void> Client::download(const std::string& repo, const std::string& commit, const File& file,
                              const std::filesystem::path& path, const Progress& progress) const {
  const auto url = fmt::format("{}/{}/resolve/{}/{}", options_.endpoint, encoded(repo), commit, encoded(file.path));
  PartFile part(path);
  auto throw_away = [&] {
    progress(-static_cast<std::int64_t>(part.size()));
    part.clear();
  };
  progress(static_cast<std::int64_t>(part.size()));
  if (part.size() > file.size) throw_away();
  auto pause = options_.pause;
  for (int attempt = 1; part.size() < file.size;) {
    const auto begun = part.size();
    Transfer transfer;
    bool first = true, too_long = false;
    transfer.take = [&](std::string_view bytes) {
      long status = 0;
      curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
      const bool goes_on = status == 206 && transfer.content_range.starts_with(fmt::format("bytes {}-", begun));
      if (std::exchange(first, false) && begun > 0 && !goes_on) throw_away();
      too_long = part.size() + bytes.size() > file.size;
      if (too_long) return false;
      part.append(bytes);
      progress(static_cast<std::int64_t>(bytes.size()));
      return true;
    };
    const auto outcome = perform(options_, url, begun, transfer);
    if (too_long) {
      throw_away();
      return Fault(Reason::upstream_failed).because(url + ": more bytes than the hub's list says");
    }
    if (outcome.code == CURLE_OK && part.size() == file.size) break;
    if (outcome.status == 416) throw_away();
    const bool moved = part.size() > begun;
    if (outcome.code != CURLE_OK && outcome.status != 416 && !outcome.passing()) return fault_of(url, outcome);
    // Attempts that bring bytes do not count.
    if (!moved && ++attempt > options_.attempts) return fault_of(url, outcome);
    std::this_thread::sleep_for(pause);
    pause = moved ? options_.pause : pause * 2;
  }
  return {};
}

Result<void> fetch(const Options& options, const std::string& url, const std::filesystem::path& path,
                   std::uint64_t most, const Progress& progress) {
  start_curl();
  PartFile part(path);
  part.clear();
  auto pause = options.pause;
  for (int attempt = 1;;) {
    const auto begun = part.size();
    Transfer transfer;
    bool first = true, too_long = false;
    transfer.take = [&](std::string_view bytes) {
      const bool goes_on = transfer.content_range.starts_with(fmt::format("bytes {}-", begun));
      if (std::exchange(first, false) && begun > 0 && !goes_on) {
        progress(-static_cast<std::int64_t>(part.size()));
        part.clear();
      }
      too_long = part.size() + bytes.size() > most;
      if (too_long) return false;
      part.append(bytes);
      progress(static_cast<std::int64_t>(bytes.size()));
      return true;
    };
    const auto outcome = perform(options, url, begun, transfer);
    if (outcome.code == CURLE_OK) return {};
    if (too_long) return Fault(Reason::upstream_failed).because(url + ": more bytes than such a file has");
    const bool moved = part.size() > begun;
    if (!outcome.passing()) return fault_of(url, outcome);
    if (!moved && ++attempt > options.attempts) return fault_of(url, outcome);
    std::this_thread::sleep_for(pause);
    pause = moved ? options.pause : pause * 2;
  }
}

}  // namespace toll::app::hub
