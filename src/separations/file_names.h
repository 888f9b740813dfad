// Names that clients give and names that files get.
#pragma once

#include <string>
#include <string_view>

namespace toll::separations {

// The last path segment (either slash), control characters removed, invalid UTF-8 replaced, at most 255 bytes at a
// character boundary. Empty when nothing is left.
std::string clean_file_name(std::string_view sent);

// A name with an ending that is taken without a look inside; any other file is probed first.
bool has_media_extension(std::string_view file_name);

// "song.mp3" -> "song"
std::string_view without_extension(std::string_view file_name);

// One shell word: in single quotes unless it needs none.
std::string shell_quoted(std::string_view word);

}  // namespace toll::separations
