#include "workflows/steps/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace toll::workflows::steps {

namespace {

// Of a file of text, how much an output says; longer ones are read by the steps that need them.
constexpr std::size_t most_shown_text = 4 << 20;
// Where the names of a ZIP archive's parts stand: beside its first parts, and in the directory at its end.
constexpr std::size_t archive_ends = 64 << 10;

std::string piece(const blob::Reader& file, std::uint64_t offset, std::size_t length) {
  std::string out(
      static_cast<std::size_t>(std::min<std::uint64_t>(length, file.size() - std::min(offset, file.size()))), '\0');
  std::size_t at = 0;
  while (at < out.size()) {
    const auto got = file.read_at(offset + at, std::as_writable_bytes(std::span(out).subspan(at)));
    if (got == 0) break;
    at += got;
  }
  out.resize(at);
  return out;
}

// By the part that each kind of office file must have.
std::string_view office_type(std::string_view names) {
  using Sign = std::pair<std::string_view, std::string_view>;
  static constexpr std::array<Sign, 3> signs{
      Sign{"word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
      Sign{"xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
      Sign{"ppt/presentation.xml", "application/vnd.openxmlformats-officedocument.presentationml.presentation"}};
  for (const auto& [part, mime] : signs)
    if (names.find(part) != names.npos) return mime;
  return {};
}

bool is_text(std::string_view mime) {
  return mime.starts_with("text/") || mime == "application/json";
}

}  // namespace

std::string type_of_file(const blob::Reader& file, std::string_view name, const DetectType& detect) {
  const auto head = piece(file, 0, archive_ends);
  auto mime = detect(std::string_view(head).substr(0, detect_head_bytes), name);
  if (!head.starts_with("PK\x03\x04") || mime.starts_with("application/vnd.oasis")) return mime;
  const auto tail = piece(file, file.size() - std::min<std::uint64_t>(file.size(), archive_ends), archive_ends);
  for (const auto names : {std::string_view(tail), std::string_view(head)})
    if (const auto office = office_type(names); !office.empty()) return std::string(office);
  return "application/zip";
}

std::string_view extension_of(std::string_view mime) {
  using Row = std::pair<std::string_view, std::string_view>;
  static constexpr std::array<Row, 34> known{
      Row{"application/pdf", "pdf"},
      {"application/json", "json"},
      {"application/xml", "xml"},
      {"application/zip", "zip"},
      {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"},
      {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"},
      {"application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"},
      {"application/vnd.oasis.opendocument.text", "odt"},
      {"application/vnd.oasis.opendocument.spreadsheet", "ods"},
      {"text/plain", "txt"},
      {"text/csv", "csv"},
      {"text/tab-separated-values", "tsv"},
      {"text/html", "html"},
      {"text/xml", "xml"},
      {"text/markdown", "md"},
      {"image/png", "png"},
      {"image/jpeg", "jpg"},
      {"image/gif", "gif"},
      {"image/tiff", "tiff"},
      {"image/webp", "webp"},
      {"image/bmp", "bmp"},
      {"audio/wav", "wav"},
      {"audio/flac", "flac"},
      {"audio/ogg", "ogg"},
      {"audio/mpeg", "mp3"},
      {"audio/aac", "aac"},
      {"audio/mp4", "m4a"},
      {"audio/aiff", "aiff"},
      {"audio/opus", "opus"},
      {"video/mp4", "mp4"},
      {"video/quicktime", "mov"},
      {"video/x-msvideo", "avi"},
      {"video/webm", "webm"},
      {"video/x-matroska", "mkv"}};
  const auto found = std::find_if(known.begin(), known.end(), [&](const Row& row) { return row.first == mime; });
  return found == known.end() ? std::string_view() : found->second;
}

std::string name_of_path(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  auto name = percent_decode(path.substr(path.rfind('/') == path.npos ? 0 : path.rfind('/') + 1)).value_or("");
  std::erase_if(name, [](unsigned char c) { return c < ' ' || c == 0x7f || c == '/' || c == '\\'; });
  if (!valid_utf8(name) || name.find_first_not_of('.') == name.npos) return "file";
  return std::string(utf8_prefix(name, 255));
}

Incoming::Incoming(blob::Store& store, std::uint64_t most) : most_(most) {
  auto writer = store.create();
  if (writer)
    writer_ = std::move(*writer);
  else
    broken_ = std::move(writer).error();
}

bool Incoming::write(std::string_view bytes) {
  size_ += bytes.size();
  too_large_ = too_large_ || size_ > most_;
  if (too_large_ || broken_) return false;
  if (beginning_.size() <= most_shown_text) beginning_ += bytes.substr(0, most_shown_text + 1 - beginning_.size());
  auto written = writer_->write(std::as_bytes(std::span(bytes)));
  if (!written) broken_ = std::move(written).error();
  return !broken_;
}

std::optional<StepFault> Incoming::why_it_ended() const {
  if (too_large_) return too_large(most_);
  if (broken_) return failed(fault::engine_failed, *broken_);
  return std::nullopt;
}

StepResult Incoming::finish(std::string name, const DetectType& detect) {
  if (auto ended = why_it_ended()) return std::move(*ended);
  auto staged = writer_->finish();
  if (!staged) return failed(fault::engine_failed, staged.error());
  const auto mime = detect(std::string_view(beginning_).substr(0, detect_head_bytes), name);
  Made made{name, mime, std::shared_ptr<blob::Staged>(std::move(*staged))};
  json::Object value{{"name", name}, {"mime", mime}, {"size", size_}, {"sha256", hex(made.content->stored().digest)}};
  if (is_text(mime) && beginning_.size() == size_ && valid_utf8(beginning_) &&
      beginning_.find('\0') == beginning_.npos) {
    if (mime == "application/json")
      if (auto data = json::parse(beginning_)) value["data"] = std::move(*data);
    value["text"] = beginning_;
  }
  Output out;
  out.value = std::move(value);
  out.files.push_back(std::move(made));
  out.bytes = static_cast<std::int64_t>(size_);
  return out;
}

StepFault too_large(std::uint64_t most_bytes) {
  return failed(fault::file_too_large, fmt::format("The file is larger than {} MB.", most_bytes >> 20));
}

StepFault fetch_fault(const Fault& fault, std::uint64_t most_bytes) {
  switch (fault.reason()) {
    case Reason::egress_forbidden:
      return failed(fault::egress_forbidden, fault.detail() + ".", fault.describe());
    case Reason::upload_too_large:
      return too_large(most_bytes);
    case Reason::cancelled:
      return failed(fault::cancelled, "The work was cancelled.");
    default:
      break;
  }
  auto out = failed(fault::fetch_failed, fault.detail() + ".", fault.describe());
  out.again = fault.reason() == Reason::fetch_failed || fault.reason() == Reason::fetch_timed_out;
  return out;
}

}  // namespace toll::workflows::steps
