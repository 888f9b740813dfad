#include "probe/kind.h"

#include "base/digest.h"
#include "probe/probe.h"

namespace toll::probe {

std::optional<Magic> magic_of(std::span<const std::byte> head) {
  const auto text = as_text(head);
  auto at = [&](std::size_t offset, std::string_view word) {
    return text.size() >= offset && text.substr(offset).starts_with(word);
  };
  if ((at(0, "RIFF") || at(0, "RF64")) && at(8, "WAVE")) return Magic::wav;
  if (at(0, "FORM") && (at(8, "AIFF") || at(8, "AIFC"))) return Magic::aiff;
  if (at(0, "fLaC")) return Magic::flac;
  if (at(0, "OggS")) return Magic::ogg;
  if (at(4, "ftyp")) return Magic::mp4;
  if (at(0, "ID3")) return Magic::mpeg;
  // ISO 11172-3, 2.4.1.3 and ISO 13818-7: twelve (or eleven) ones; the layer is III, or 0 for AAC.
  if (head.size() >= 2 && head[0] == std::byte{0xff} && (head[1] & std::byte{0xe0}) == std::byte{0xe0}) {
    const auto layer = (head[1] >> 1) & std::byte{3};
    if (layer == std::byte{0} || layer == std::byte{1}) return Magic::mpeg;
  }
  return std::nullopt;
}

std::optional<std::string_view> content_type_of(Magic magic, std::string_view container, std::string_view codec,
                                                bool pictures_move) {
  switch (magic) {
    case Magic::wav:
      if (container == "wav") return std::string_view("audio/wav");
      break;
    case Magic::aiff:
      if (container == "aiff") return std::string_view("audio/aiff");
      break;
    case Magic::flac:
      if (container == "flac") return std::string_view("audio/flac");
      break;
    case Magic::ogg:
      if (container != "ogg" || pictures_move) break;
      if (codec == "vorbis") return std::string_view("audio/ogg");
      // RFC 7845, 9
      if (codec == "opus") return std::string_view("audio/ogg; codecs=opus");
      break;
    case Magic::mp4:
      if (container.starts_with("mov,mp4") && !pictures_move && (codec == "aac" || codec == "alac" || codec == "mp3"))
        return std::string_view("audio/mp4");
      break;
    case Magic::mpeg:
      // A tag may stand before any of the three.
      if (container == "mp3" && codec == "mp3") return std::string_view("audio/mpeg");
      if (container == "aac") return std::string_view("audio/aac");
      if (container == "flac") return std::string_view("audio/flac");
      break;
  }
  return std::nullopt;
}

std::string_view extension_of(std::string_view content_type) {
  static constexpr std::pair<std::string_view, std::string_view> known[] = {
      {"audio/wav", ".wav"},  {"audio/aiff", ".aiff"}, {"audio/flac", ".flac"},
      {"audio/ogg", ".ogg"},  {"audio/mp4", ".m4a"},   {"audio/ogg; codecs=opus", ".opus"},
      {"audio/mpeg", ".mp3"}, {"audio/aac", ".aac"}};
  for (const auto& [type, extension] : known)
    if (type == content_type) return extension;
  return {};
}

}  // namespace toll::probe
