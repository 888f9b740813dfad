#include <fmt/format.h>

#include "base/text.h"
#include "workflows/steps/basic.h"

namespace toll::workflows::steps {

namespace {

// Of a file of text, how much its output says; longer ones are read by the steps that need them.
constexpr std::uint64_t most_text_bytes = 4 << 20;

json::Object schema() {
  return {{"type", "object"},
          {"properties",
           {{"accept",
             {{"type", "array"},
              {"description", "MIME types that are taken, as patterns: \"audio/*\". All by default."},
              {"items", {{"type", "string"}, {"pattern", "^[A-Za-z0-9.+*-]+/[A-Za-z0-9.+*-]+$"}}},
              {"minItems", 1},
              {"maxItems", 100}}}}},
          {"additionalProperties", false}};
}

bool is_text(std::string_view mime) {
  return mime.starts_with("text/") || mime == "application/json";
}

class SourceRequest final : public StepKind {
 public:
  SourceRequest(DetectType detect, Fetch fetch) : detect_(std::move(detect)), fetch_(std::move(fetch)) {
    about_.name = "source.request";
    about_.summary = "The files, text or JSON of the call: one item each.";
    about_.role = Role::source;
    about_.with = schema();
    about_.outputs = {"name", "mime", "size", "sha256", "text", "data"};
    about_.gives = {Media::any};
  }

  const About& about() const override { return about_; }

  std::vector<Media> gives(const json::Object& with) const override {
    const auto* accept = with.if_contains("accept");
    if (!accept || !accept->is_array()) return {Media::any};
    std::vector<Media> out;
    for (const auto& pattern : accept->get_array())
      if (pattern.is_string()) out.push_back(media_of(pattern.get_string()));
    return out;
  }

  StepResult run(const Call& call, std::stop_token stop) override {
    const auto& item = call.item;
    if (item.url) return fetched(call, std::move(stop));
    Output out;
    json::Object value{{"name", item.name}, {"mime", item.mime}, {"sha256", item.sha256}};
    if (item.text) {
      value["size"] = item.text->size();
      value["text"] = *item.text;
    } else if (item.data) {
      value["size"] = nullptr;
      value["data"] = *item.data;
    } else if (item.file) {
      value["size"] = item.file->size;
      if (auto failed = describe(call, *item.file, value)) return *failed;
    }
    if (auto refused = refused_type(call, value)) return *refused;
    out.bytes = value["size"].is_number() ? value["size"].to_number<std::int64_t>() : 0;
    out.value = std::move(value);
    return out;
  }

 private:
  StepResult fetched(const Call& call, std::stop_token stop) const {
    if (!fetch_) return failed(fault::fetch_failed, "This server fetches no URLs.");
    auto result = fetch_(call, std::move(stop));
    const auto* output = std::get_if<Output>(&result);
    if (output && output->value.is_object())
      if (auto refused = refused_type(call, output->value.get_object())) return *refused;
    return result;
  }

  static std::optional<StepFault> refused_type(const Call& call, const json::Object& value) {
    const auto* accept = call.with.if_contains("accept");
    const auto* mime = value.if_contains("mime");
    if (!accept || !mime || !mime->is_string() || matches_type(mime->get_string(), *accept)) return std::nullopt;
    return failed(fault::unsupported_type, fmt::format("{} is not taken.", std::string_view(mime->get_string())));
  }

  std::optional<StepFault> describe(const Call& call, const File& file, json::Object& value) const {
    auto reader = call.open(file);
    if (!reader) return failed(fault::file_unreadable, "The file is not there any more.", reader.error().describe());
    std::string head(std::min<std::uint64_t>((*reader)->size(), detect_head_bytes), '\0');
    head.resize((*reader)->read_at(0, std::as_writable_bytes(std::span(head))));
    const auto mime = detect_(head, file.name);
    value["mime"] = mime;
    if (!is_text(mime) || file.size > most_text_bytes) return std::nullopt;
    auto text = call.read(file, most_text_bytes);
    if (!text || !valid_utf8(*text) || text->find('\0') != text->npos) return std::nullopt;
    if (mime == "application/json")
      if (auto data = json::parse(*text)) value["data"] = std::move(*data);
    value["text"] = std::move(*text);
    return std::nullopt;
  }

  About about_;
  DetectType detect_;
  Fetch fetch_;
};

}  // namespace

bool matches_type(std::string_view mime, const json::Value& patterns) {
  if (!patterns.is_array()) return true;
  const auto name = lower(mime.substr(0, mime.find(';')));
  for (const auto& value : patterns.get_array()) {
    if (!value.is_string()) continue;
    const auto pattern = lower(value.get_string());
    if (pattern == "*/*" || pattern == name) return true;
    if (pattern.ends_with("/*") && name.starts_with(pattern.substr(0, pattern.size() - 1))) return true;
  }
  return false;
}

std::unique_ptr<StepKind> make_source_request(DetectType detect, Fetch fetch) {
  return std::make_unique<SourceRequest>(std::move(detect), std::move(fetch));
}

}  // namespace toll::workflows::steps
