#include "workflows/request.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <map>

#include "base/digest.h"
#include "base/text.h"
#include "schema/equal.h"
#include "schema/schema.h"

namespace toll::workflows {

namespace {

constexpr std::size_t longest_name = 255;

std::string cleaned(std::string_view name, std::string_view otherwise) {
  if (const auto slash = name.find_last_of("/\\"); slash != name.npos) name.remove_prefix(slash + 1);
  std::string out;
  for (const char c : name)
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) out += c;
  if (!valid_utf8(out)) out.clear();
  out = std::string(utf8_prefix(out, longest_name));
  return out.empty() || out == "." || out == ".." ? std::string(otherwise) : out;
}

// RFC 4648, 4, with or without padding; white space is not taken.
std::optional<std::string> from_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string url(text);
  for (auto& c : url) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return from_base64url(url);
}

Result<std::shared_ptr<blob::Staged>> staged(blob::Store& store, std::string_view bytes) {
  auto writer = TOLL_TRY(store.create());
  if (auto written = writer->write(as_span(bytes)); !written) return std::move(written).error();
  auto done = TOLL_TRY(writer->finish());
  return std::shared_ptr<blob::Staged>(std::move(done));
}

class Request {
 public:
  Request(Prepared& prepared, const Catalogue& catalogue, blob::Store& store, Random& random)
      : prepared_(prepared), catalogue_(catalogue), store_(store), random_(random) {}

  Result<void> read() {
    sources();
    schema();
    if (prepared_.source.empty() && !prepared_.lists)
      problems_.add("step_unavailable", {std::string("non_field_errors")},
                    "The source of this workflow is not available on this server.");
    if (prepared_.source.empty()) {
      if (!prepared_.order.files.empty())
        problems_.add("files_not_accepted", {std::string("files")}, "This workflow takes no files.");
      return std::move(problems_).result();
    }
    if (too_many()) return std::move(problems_).result();
    for (const auto& upload : prepared_.order.files)
      if (auto added = add_file(upload.name, upload.mime, upload.content); !added) return added;
    if (auto read = content(); !read) return read;
    if (prepared_.items.empty()) add_data();
    return std::move(problems_).result();
  }

 private:
  void sources() {
    for (const auto& step : prepared_.definition->steps) {
      const auto* kind = catalogue_.find(step.uses);
      if (!kind || kind->about().role != Role::source) continue;
      if (kind->lists())
        prepared_.lists = true;
      else if (prepared_.source.empty())
        prepared_.source = step.id;
    }
  }

  void schema() {
    const auto& document = prepared_.definition->input_schema;
    if (document.empty()) return;
    const auto compiled = schema::Schema::compile(document);
    if (!compiled.schema) return;
    for (const auto& problem : compiled.schema->check(prepared_.order.input_data)) {
      Path path{std::string("input_data")};
      path.insert(path.end(), problem.path.begin(), problem.path.end());
      problems_.add(
          problem.keyword, path,
          problem.keyword == "required" ? "This field is required." : fmt::format("This value {}.", problem.message));
    }
  }

  std::uint64_t most_bytes() const { return static_cast<std::uint64_t>(prepared_.limits.max_file_mb) << 20; }

  Item& add(std::string name, std::string mime) {
    Item item;
    item.id = random_.uuid4();
    item.ordinal = static_cast<std::int64_t>(prepared_.items.size());
    item.name = std::move(name);
    item.mime = std::move(mime);
    prepared_.contents.emplace_back();
    return prepared_.items.emplace_back(std::move(item));
  }

  Result<void> add_file(std::string_view name, std::string_view mime, std::shared_ptr<blob::Staged> content) {
    const auto& stored = content->stored();
    if (stored.size > most_bytes()) return Fault(Reason::upload_too_large).with("limit", std::to_string(most_bytes()));
    const bool plain = !mime.empty() && mime.size() <= 200 &&
                       std::ranges::all_of(mime, [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
    auto& item = add(cleaned(name, "file"), plain ? std::string(mime) : "application/octet-stream");
    item.sha256 = hex(stored.digest);
    item.file = File{item.name, item.mime, stored.digest, stored.size};
    prepared_.contents.back() = std::move(content);
    return {};
  }

  void add_data() {
    const auto& data = prepared_.order.input_data;
    auto& item = add("input.json", "application/json");
    item.data = data;
    item.sha256 = hex(sha256(boost::json::serialize(data)));
  }

  void add_url(const json::Value& value, const Path& path) {
    const auto* url = value.if_string();
    if (!url || url->empty() || std::ranges::any_of(*url, [](unsigned char c) { return c <= 0x20 || c == 0x7f; }))
      return problems_.add("invalid", path, "Not a valid string.");
    if (url->size() > 8192)
      return problems_.add("max_length", path, "Ensure this field has no more than 8192 characters.");
    std::string_view name = *url;
    name = name.substr(0, name.find_first_of("?#"));
    auto& item = add(cleaned(percent_decode(name).value_or(""), "file"), "application/octet-stream");
    item.url = std::string(*url);
  }

  // The members of input_data that carry content.
  Result<void> content() {
    const auto& data = prepared_.order.input_data;
    const Path base{std::string("input_data")};
    if (const auto* url = data.if_contains("file_url"); url && !url->is_null()) add_url(*url, base / "file_url");
    if (const auto* urls = data.if_contains("file_urls"); urls && !urls->is_null()) {
      if (!urls->is_array())
        problems_.add("invalid", base / "file_urls", "Expected a list of URLs.");
      else
        for (std::size_t i = 0; i < urls->get_array().size(); ++i)
          add_url(urls->get_array()[i], base / "file_urls" / i);
    }
    if (const auto* files = data.if_contains("files"); files && !files->is_null()) {
      if (!files->is_array())
        problems_.add("invalid", base / "files", "Expected a list of files.");
      else
        for (std::size_t i = 0; i < files->get_array().size(); ++i)
          if (auto added = add_encoded(files->get_array()[i], base / "files" / i); !added) return added;
    }
    if (const auto* text = data.if_contains("text"); text && !text->is_null()) add_text(*text, base / "text");
    return {};
  }

  void add_text(const json::Value& value, const Path& path) {
    const auto* text = value.if_string();
    if (!text) return problems_.add("invalid", path, "Not a valid string.");
    if (text->find('\0') != text->npos) return problems_.add("invalid", path, "Null characters are not allowed.");
    auto& item = add("input.txt", "text/plain");
    item.text = std::string(*text);
    item.sha256 = hex(sha256(*text));
  }

  Result<void> add_encoded(const json::Value& value, const Path& path) {
    const auto* file = value.if_object();
    const auto text = [&](const char* name) -> const json::Value* { return file ? file->if_contains(name) : nullptr; };
    const auto* encoded = text("content_base64");
    if (!encoded) return problems_.add("required", path / "content_base64", "This field is required."), Result<void>{};
    const auto bytes = encoded->is_string() ? from_base64(encoded->get_string()) : std::nullopt;
    if (!bytes) return problems_.add("invalid", path / "content_base64", "Not valid base64."), Result<void>{};
    if (bytes->size() > most_bytes())
      return Fault(Reason::upload_too_large).with("limit", std::to_string(most_bytes()));
    const auto word = [&](const char* name) {
      const auto* found = text(name);
      return found && found->is_string() ? std::string(found->get_string()) : std::string();
    };
    return add_file(word("name"), word("content_type"), TOLL_TRY(staged(store_, *bytes)));
  }

  // Before anything is made of them.
  bool too_many() {
    const auto& data = prepared_.order.input_data;
    auto count = prepared_.order.files.size();
    for (const auto* name : {"file_urls", "files"})
      if (const auto* list = data.if_contains(name); list && list->is_array()) count += list->get_array().size();
    for (const auto* name : {"file_url", "text"})
      if (const auto* one = data.if_contains(name); one && !one->is_null()) ++count;
    if (static_cast<std::int64_t>(count) > prepared_.limits.max_files)
      problems_.add("max_files", {std::string("non_field_errors")},
                    fmt::format("You can upload a maximum of {} files in total (uploaded or via presigned URLs).",
                                prepared_.limits.max_files));
    // What is not valid is not stored either.
    return !problems_.empty();
  }

  Prepared& prepared_;
  const Catalogue& catalogue_;
  blob::Store& store_;
  Random& random_;
  Problems problems_;
};

}  // namespace

Limits limits_of(const Definition& definition, const LimitOverrides& overrides, const Limits& caps) {
  const auto& own = definition.limits;
  return {std::min(overrides.max_file_mb.value_or(own.max_file_mb), caps.max_file_mb),
          std::min(overrides.max_files.value_or(own.max_files), caps.max_files),
          std::min(overrides.timeout_s.value_or(own.timeout_s), caps.timeout_s)};
}

Result<void> make_items(Prepared& prepared, const Catalogue& catalogue, blob::Store& store, Random& random) {
  return Request(prepared, catalogue, store, random).read();
}

std::string question_of(const Prepared& prepared) {
  const auto& order = prepared.order;
  const json::Value all{order.deployment.value(),
                        order.workflow.value(),
                        prepared.revision,
                        schema::canonical(order.input_data),
                        schema::canonical(order.parameters),
                        schema::canonical(order.custom_data)};
  return hex(sha256(boost::json::serialize(all)));
}

std::string history_key(const Prepared& prepared, const Item& item, const json::Object& pins) {
  if (item.sha256.empty()) return {};
  return hex(sha256(prepared.question + item.sha256 + schema::canonical(pins)));
}

json::Object without_contents(json::Object input) {
  if (auto* files = input.if_contains("files"); files && files->is_array())
    for (auto& file : files->get_array())
      if (file.is_object() && file.get_object().contains("content_base64"))
        file.get_object()["content_base64"] = nullptr;
  return input;
}

}  // namespace toll::workflows
