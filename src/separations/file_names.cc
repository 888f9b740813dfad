#include "separations/file_names.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace toll::separations {

namespace {

constexpr auto media_extensions = std::to_array<std::string_view>(
    {".mp3", ".wav", ".flac", ".ogg", ".m4a", ".aac", ".opus", ".oga", ".wma",  ".aif", ".aiff", ".caf", ".wv", ".ape",
     ".ac3", ".amr", ".mka",  ".mp4", ".m4v", ".mkv", ".avi",  ".mov", ".webm", ".mpg", ".mpeg", ".ts",  ".3gp"});

std::string valid_only(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t n = 1;
    while (n < std::min<std::size_t>(4, text.size()) && !valid_utf8(text.substr(0, n))) ++n;
    if (valid_utf8(text.substr(0, n))) {
      out += text.substr(0, n);
      text.remove_prefix(n);
    } else {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace

std::string clean_file_name(std::string_view sent) {
  if (auto slash = sent.find_last_of("/\\"); slash != sent.npos) sent.remove_prefix(slash + 1);
  std::string name = valid_utf8(sent) ? std::string(sent) : valid_only(sent);
  std::erase_if(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  // The C1 controls, U+0080 to U+009F, are two bytes each.
  for (std::size_t at = name.find('\xC2'); at != name.npos; at = name.find('\xC2', at)) {
    if (at + 1 < name.size() && static_cast<unsigned char>(name[at + 1]) < 0xA0)
      name.erase(at, 2);
    else
      ++at;
  }
  name = std::string(trim(utf8_prefix(name, 255)));
  return name == "." || name == ".." ? std::string() : name;
}

bool has_media_extension(std::string_view file_name) {
  const auto dot = file_name.rfind('.');
  if (dot == file_name.npos) return false;
  const auto extension = lower(file_name.substr(dot));
  return std::ranges::find(media_extensions, extension) != media_extensions.end();
}

std::string_view without_extension(std::string_view file_name) {
  const auto dot = file_name.rfind('.');
  return dot == file_name.npos || dot == 0 ? file_name : file_name.substr(0, dot);
}

std::string shell_quoted(std::string_view word) {
  constexpr std::string_view safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/=:@%+,";
  if (!word.empty() && word.front() != '-' && word.find_first_not_of(safe) == word.npos) return std::string(word);
  std::string out = word.starts_with('-') ? "'./" : "'";  // never taken for an option
  for (char c : word) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

}  // namespace toll::separations
