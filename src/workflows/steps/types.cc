#include "workflows/steps/types.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/text.h"

namespace toll::workflows::steps {

namespace {

struct Sign {
  std::size_t at;
  std::string_view bytes;
  std::string_view mime;
};

using namespace std::string_view_literals;

// The signatures that the formats' own specifications name.
constexpr std::array signs{
    Sign{0, "%PDF-"sv, "application/pdf"},
    Sign{0, "\x89PNG\r\n\x1a\n"sv, "image/png"},
    Sign{0, "\xff\xd8\xff"sv, "image/jpeg"},
    Sign{0, "GIF87a"sv, "image/gif"},
    Sign{0, "GIF89a"sv, "image/gif"},
    Sign{0, "II*\0"sv, "image/tiff"},
    Sign{0, "MM\0*"sv, "image/tiff"},
    Sign{8, "WEBP"sv, "image/webp"},
    Sign{8, "WAVE"sv, "audio/wav"},
    Sign{8, "AVI "sv, "video/x-msvideo"},
    Sign{0, "fLaC"sv, "audio/flac"},
    Sign{0, "OggS"sv, "audio/ogg"},
    Sign{0, "ID3"sv, "audio/mpeg"},
    Sign{0, "\xff\xfb"sv, "audio/mpeg"},
    Sign{0, "\xff\xf3"sv, "audio/mpeg"},
    Sign{0, "\xff\xf2"sv, "audio/mpeg"},
    Sign{0, "\xff\xf1"sv, "audio/aac"},
    Sign{0, "\xff\xf9"sv, "audio/aac"},
    Sign{4, "ftypM4A"sv, "audio/mp4"},
    Sign{4, "ftypqt"sv, "video/quicktime"},
    Sign{4, "ftyp"sv, "video/mp4"},
    Sign{0, "\x1a\x45\xdf\xa3"sv, "video/webm"},
    Sign{30, "mimetypeapplication/vnd.oasis.opendocument.text"sv, "application/vnd.oasis.opendocument.text"},
    Sign{30, "mimetypeapplication/vnd.oasis.opendocument.spreadsheet"sv,
         "application/vnd.oasis.opendocument.spreadsheet"},
};

struct Ending {
  std::string_view ending, mime;
};
constexpr std::array packed{
    Ending{".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    Ending{".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    Ending{".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
};
constexpr std::array texts{
    Ending{".json", "application/json"}, Ending{".csv", "text/csv"},  Ending{".tsv", "text/tab-separated-values"},
    Ending{".html", "text/html"},        Ending{".htm", "text/html"}, Ending{".xml", "application/xml"},
    Ending{".md", "text/markdown"}};

std::string_view by_ending(std::string_view name, std::span<const Ending> endings, std::string_view otherwise) {
  const auto small = lower(name);
  for (const auto& known : endings)
    if (small.ends_with(known.ending)) return known.mime;
  return otherwise;
}

// The head may end within a character.
bool is_text(std::string_view head) {
  for (std::size_t cut = 0; cut < 4 && cut <= head.size(); ++cut)
    if (valid_utf8(head.substr(0, head.size() - cut)))
      return std::ranges::none_of(head, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f';
      });
  return false;
}

}  // namespace

std::string type_of(std::string_view head, std::string_view name) {
  for (const auto& sign : signs)
    if (head.size() >= sign.at && head.substr(sign.at).starts_with(sign.bytes)) return std::string(sign.mime);
  if (head.starts_with("PK\x03\x04"sv)) return std::string(by_ending(name, packed, "application/zip"));
  if (!is_text(head)) return "application/octet-stream";
  return std::string(by_ending(name, texts, "text/plain"));
}

}  // namespace toll::workflows::steps
