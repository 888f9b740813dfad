#include "workflows/step.h"

#include <algorithm>
#include <array>

#include <boost/json/serialize.hpp>

#include "base/text.h"

namespace toll::workflows {

namespace {

// The file that an output is or has as its only one, in the order of its members.
std::optional<File> file_in(const Before& before) {
  if (before.files.size() == 1) return before.files.front();
  return std::nullopt;
}

std::optional<std::string> sha256_of(const json::Value& value) {
  if (const auto* text = value.if_string()) return std::string(*text);
  const auto* object = value.if_object();
  const auto* digest = object ? object->if_contains("sha256") : nullptr;
  if (!digest || !digest->is_string()) return std::nullopt;
  return std::string(digest->get_string());
}

}  // namespace

json::Object file_json(const File& file) {
  return {{"name", file.name}, {"content_type", file.mime}, {"size", file.size}, {"sha256", hex(file.digest)}};
}

File Made::file() const {
  if (stored) return {name, mime, stored->digest, stored->size};
  return {name, mime, content->stored().digest, content->stored().size};
}

StepFault failed(std::string_view code, std::string detail, std::string cause) {
  return {std::string(code), std::move(detail), false, {}, std::move(cause)};
}

StepFault failed(std::string_view code, const Fault& fault) {
  static constexpr std::array again{Reason::worker_lost, Reason::overloaded, Reason::too_many_requests,
                                    Reason::object_store_unavailable, Reason::upstream_failed};
  auto out = failed(code, fault.detail() + ".", fault.describe());
  out.again = std::ranges::find(again, fault.reason()) != again.end();
  out.retry_after = fault.retry_after();
  return out;
}

std::optional<File> Call::file_of(const json::Value& value) const {
  const auto digest = sha256_of(value);
  if (!digest) return std::nullopt;
  // Of several with these bytes the one that is called so, if any is.
  const auto* object = value.if_object();
  const auto* name = object ? object->if_contains("name") : nullptr;
  const File* found = nullptr;
  for (const auto& file : files) {
    if (hex(file.digest) != *digest) continue;
    if (!found) found = &file;
    if (name && name->is_string() && std::string_view(name->get_string()) == file.name) return file;
  }
  return found ? std::optional(*found) : std::nullopt;
}

std::optional<File> Call::nearest_file() const {
  for (const auto& step : before)
    if (auto file = file_in(step)) return file;
  return item.file;
}

std::optional<std::string> Call::nearest_text() const {
  for (const auto& step : before) {
    const auto* object = step.value.if_object();
    const auto* text = object ? object->if_contains("text") : nullptr;
    if (text && text->is_string()) return std::string(text->get_string());
  }
  return item.text;
}

json::Value Call::nearest_data() const {
  for (const auto& step : before)
    if (!step.uses.starts_with("source.")) return step.value;
  if (item.data) return *item.data;
  if (item.text) return json::Value(*item.text);
  return nullptr;
}

Result<std::shared_ptr<const blob::Reader>> Call::open(const File& file) const {
  return store->open(file.digest);
}

Result<std::string> Call::read(const File& file, std::uint64_t most) const {
  const auto reader = TOLL_TRY(open(file));
  if (reader->size() > most) return Fault(Reason::body_too_large).with("limit", std::to_string(most));
  std::string out(reader->size(), '\0');
  std::size_t at = 0;
  while (at < out.size()) {
    const auto got = reader->read_at(at, std::as_writable_bytes(std::span(out).subspan(at)));
    if (got == 0) break;
    at += got;
  }
  out.resize(at);
  return out;
}

std::string_view to_string(Media media) {
  static constexpr std::array<std::string_view, 7> names{"any", "text", "data", "audio", "image", "video", "document"};
  return names[static_cast<std::size_t>(media)];
}

Media media_of(std::string_view mime) {
  const auto name = lower(mime);
  if (name.starts_with("audio/")) return Media::audio;
  if (name.starts_with("image/")) return Media::image;
  if (name.starts_with("video/")) return Media::video;
  if (name == "application/json") return Media::data;
  if (name.starts_with("text/")) return Media::text;
  if (name == "application/pdf" || name.starts_with("application/vnd.")) return Media::document;
  return Media::any;
}

std::optional<std::string> StepKind::unavailable(const json::Object&) const {
  return std::nullopt;
}
void StepKind::check(Checking&) const {}
std::vector<Media> StepKind::gives(const json::Object&) const {
  return about().gives;
}
metering::Credits StepKind::price(const Pinning&) const {
  return {};
}
Result<json::Value> StepKind::pin(const Pinning&) const {
  return json::Value(nullptr);
}
ListResult StepKind::list(const Call&, std::stop_token) {
  return Listed{};
}

}  // namespace toll::workflows
