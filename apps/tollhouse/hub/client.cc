#include "tollhouse/hub/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/checksum.h"
#include "base/text.h"
#include "json/parse.h"
#include "tollhouse/hub/part_file.h"
#include "tollhouse/hub/transfer.h"

namespace toll::app::hub {

namespace {

constexpr std::size_t most_json = 64 << 20;
constexpr int most_pages = 10'000;

struct Page {
  json::Value value;
  std::string link;
};

Result<Page> get_json(const Options& options, const std::string& url) {
  auto pause = options.pause;
  for (int attempt = 1;; ++attempt) {
    std::string body;
    Head head;
    const auto outcome = perform(options, {.url = url}, head, [&](std::string_view bytes) {
      body += bytes;
      return body.size() <= most_json;
    });
    if (outcome.code == CURLE_OK) {
      auto value = json::parse(body);
      if (!value) return Fault(Reason::upstream_failed).because(url + ": " + value.error().detail());
      return Page{std::move(*value), head.link};
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

std::string encoded(std::string_view path) {
  std::string out;
  for (char c : path) out += c == '/' ? "/" : percent_encode({&c, 1});
  return out;
}

}  // namespace

Client::Client(Options options) : options_(std::move(options)) {}

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
    Head head;
    bool first = true, too_long = false;
    const auto outcome = perform(options_, {.url = url, .offset = begun}, head, [&](std::string_view bytes) {
      const bool goes_on = head.status == 206 && head.content_range.starts_with(fmt::format("bytes {}-", begun));
      if (std::exchange(first, false) && begun > 0 && !goes_on) throw_away();
      too_long = part.size() + bytes.size() > file.size;
      if (too_long) return false;
      part.append(bytes);
      progress(static_cast<std::int64_t>(bytes.size()));
      return true;
    });
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

}  // namespace toll::app::hub
