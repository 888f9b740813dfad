// detect.type, text.extract, text.ocr.
#include <fmt/format.h>

#include "workflows/steps/files.h"
#include "workflows/steps/outside.h"
#include "workflows/steps/schema_words.h"

namespace toll::workflows::steps {

namespace {

json::Object mime_patterns(std::string_view description) {
  return {{"type", "array"},
          {"description", description},
          {"items", {{"type", "string"}, {"pattern", "^[A-Za-z0-9.+*-]+/[A-Za-z0-9.+*-]+$"}}},
          {"minItems", 1},
          {"maxItems", 100}};
}

struct Opened {
  File file;
  std::shared_ptr<const blob::Reader> bytes;
  std::string mime;
};

// The file that a step reads, with what it is; nullopt: the item has none.
std::variant<std::optional<Opened>, StepFault> open_nearest(const Call& call, const DetectType& detect) {
  const auto* named = call.with.if_contains("file");
  const auto file = named ? call.file_of(*named) : call.nearest_file();
  if (named && !file) return failed(fault::file_unreadable, "There is no such file among this item's.");
  if (!file) return std::optional<Opened>();
  auto bytes = call.open(*file);
  if (!bytes) return failed(fault::file_unreadable, "The file is not there any more.", bytes.error().describe());
  auto mime = type_of_file(**bytes, file->name, detect);
  return std::optional(Opened{*file, std::move(*bytes), std::move(mime)});
}

StepFault document_fault(const Fault& fault) {
  switch (fault.reason()) {
    case Reason::unsupported_document:
      return failed(fault::unsupported_type, fault.detail() + ".", fault.describe());
    case Reason::unreadable_document:
      return failed(fault::file_unreadable, fault.detail() + ".", fault.describe());
    case Reason::job_timed_out:
      return failed(fault::engine_failed, "Reading the file took too long.", fault.describe());
    case Reason::cancelled:
      return failed(fault::cancelled, "The work was cancelled.");
    default:
      return failed(fault::engine_failed, fault);
  }
}

json::Object text_value(const documents::Text& text) {
  json::Array pages;
  for (const auto& page : text.pages) pages.push_back(json::Object{{"number", page.number}, {"text", page.text}});
  return {{"text", text.all()}, {"pages", std::move(pages)}, {"page_count", text.pages.size()}};
}

json::Object ocr_value(const documents::Text& text) {
  auto out = text_value(text);
  json::Array words;
  for (const auto& word : text.words)
    words.push_back(json::Object{
        {"text", word.text},
        {"confidence", word.confidence},
        {"page", word.page},
        {"box", {{"left", word.left}, {"top", word.top}, {"width", word.width}, {"height", word.height}}}});
  out["words"] = std::move(words);
  out["mean_confidence"] = text.mean_confidence ? json::Value(*text.mean_confidence) : json::Value();
  return out;
}

Output output_of(json::Object value, const documents::Text& text, std::uint64_t bytes) {
  Output out;
  out.value = std::move(value);
  out.pages = static_cast<std::int64_t>(text.pages.size());
  out.bytes = static_cast<std::int64_t>(bytes);
  return out;
}

// What an item that is no file says of itself.
documents::Text plain_text(const Call& call) {
  return {.pages = {{1, call.nearest_text().value_or("")}}};
}

class DetectTypeStep final : public StepKind {
 public:
  explicit DetectTypeStep(DetectType detect) : detect_(std::move(detect)) {
    about_.name = "detect.type";
    about_.summary = "What kind of file the item is, from its bytes.";
    about_.with = an_object({{"allow", mime_patterns("Other types fail the item. All are allowed by default.")}});
    about_.outputs = {"mime", "extension"};
  }
  const About& about() const override { return about_; }

  StepResult run(const Call& call, std::stop_token) override {
    auto opened = open_nearest(call, detect_);
    if (auto* fault = std::get_if<StepFault>(&opened)) return std::move(*fault);
    const auto& file = std::get<std::optional<Opened>>(opened);
    const std::string mime = file ? file->mime : call.item.data ? "application/json" : "text/plain";
    const auto* allow = call.with.if_contains("allow");
    if (allow && !matches_type(mime, *allow))
      return failed(fault::unsupported_type, fmt::format("{} is not allowed.", mime));
    Output out;
    out.value = json::Object{{"mime", mime}, {"extension", extension_of(mime)}};
    return out;
  }

 private:
  About about_;
  DetectType detect_;
};

class TextExtract final : public StepKind {
 public:
  TextExtract(const documents::Reader& reader, DetectType detect) : reader_(reader), detect_(std::move(detect)) {
    about_.name = "text.extract";
    about_.summary = "Text out of PDF, office, HTML and text files; pages without a text layer are read by OCR.";
    about_.with = an_object({{"file", {{"description", "A file of this item; the nearest one by default."}}},
                             {"layout", a_flag("Keep what stands beside each other apart, as on the page.", true)},
                             {"max_pages", an_integer("Pages beyond are left out.", 1, 10'000, 1000)},
                             {"ocr", one_of("auto reads pages without a text layer from their picture, force all.",
                                            json::Array{"auto", "off", "force"}, "auto")}});
    about_.outputs = {"text", "pages", "page_count"};
    about_.takes = {Media::text, Media::data, Media::document, Media::image};
    about_.gives = {Media::text};
    about_.lasting = true;
  }
  const About& about() const override { return about_; }

  std::optional<std::string> unavailable(const json::Object& with) const override {
    if (!reader_.reads_pdf()) return "poppler's programs are not installed";
    if (text_in(with, "ocr") == "force" && !reader_.reads_pictures())
      return "there is no language data to read pictures with";
    return std::nullopt;
  }

  StepResult run(const Call& call, std::stop_token stop) override {
    auto opened = open_nearest(call, detect_);
    if (auto* fault = std::get_if<StepFault>(&opened)) return std::move(*fault);
    const auto& file = std::get<std::optional<Opened>>(opened);
    if (!file) return output_of(text_value(plain_text(call)), {}, 0);
    const auto ocr = text_in(call.with, "ocr", "auto");
    auto text = reader_.read(file->bytes->local_fd(), file->mime,
                             {.layout = flag_in(call.with, "layout", true),
                              .max_pages = integer_in(call.with, "max_pages", 1000),
                              .ocr = ocr == "force" ? documents::Ocr::force
                                     : ocr == "off" ? documents::Ocr::off
                                                    : documents::Ocr::automatic},
                             stop);
    if (!text) return document_fault(text.error());
    return output_of(text_value(*text), *text, file->file.size);
  }

 private:
  About about_;
  const documents::Reader& reader_;
  DetectType detect_;
};

class TextOcr final : public StepKind {
 public:
  TextOcr(const documents::Reader& reader, DetectType detect) : reader_(reader), detect_(std::move(detect)) {
    about_.name = "text.ocr";
    about_.summary = "Text out of pictures and drawn pages, word by word with places and confidence.";
    about_.with = an_object(
        {{"file", {{"description", "A file of this item; the nearest one by default."}}},
         {"lang", {{"type", "string"}, {"pattern", "^[A-Za-z0-9_]{1,40}$"}, {"default", "eng"}}},
         {"dpi", an_integer("Resolution at which pages are drawn, and that pictures are taken for.", 72, 600, 300)},
         {"max_pages", an_integer("Pages beyond are left out.", 1, 10'000, 1000)}});
    about_.outputs = {"text", "pages", "page_count", "words", "mean_confidence"};
    about_.takes = {Media::document, Media::image};
    about_.gives = {Media::text};
    about_.lasting = true;
  }
  const About& about() const override { return about_; }

  std::optional<std::string> unavailable(const json::Object& with) const override {
    const auto language = text_in(with, "lang", "eng");
    if (language.find("{{") != language.npos || reader_.reads_pictures(language)) return std::nullopt;
    return "there is no language data \"" + language + "\" to read pictures with";
  }

  StepResult run(const Call& call, std::stop_token stop) override {
    auto opened = open_nearest(call, detect_);
    if (auto* fault = std::get_if<StepFault>(&opened)) return std::move(*fault);
    const auto& file = std::get<std::optional<Opened>>(opened);
    if (!file) return failed(fault::unsupported_type, "The item is no file.");
    if (file->mime != "application/pdf" && !file->mime.starts_with("image/"))
      return failed(fault::unsupported_type, fmt::format("{} is neither a picture nor a PDF.", file->mime));
    auto text = reader_.read(file->bytes->local_fd(), file->mime,
                             {.max_pages = integer_in(call.with, "max_pages", 1000),
                              .ocr = documents::Ocr::force,
                              .language = text_in(call.with, "lang", "eng"),
                              .dpi = static_cast<int>(integer_in(call.with, "dpi", 300))},
                             stop);
    if (!text) return document_fault(text.error());
    return output_of(ocr_value(*text), *text, file->file.size);
  }

 private:
  About about_;
  const documents::Reader& reader_;
  DetectType detect_;
};

}  // namespace

std::unique_ptr<StepKind> make_detect_type(DetectType detect) {
  return std::make_unique<DetectTypeStep>(std::move(detect));
}
std::unique_ptr<StepKind> make_text_extract(const documents::Reader& reader, DetectType detect) {
  return std::make_unique<TextExtract>(reader, std::move(detect));
}
std::unique_ptr<StepKind> make_text_ocr(const documents::Reader& reader, DetectType detect) {
  return std::make_unique<TextOcr>(reader, std::move(detect));
}

}  // namespace toll::workflows::steps
