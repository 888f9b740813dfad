// Which kind of music file some bytes are.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace toll::probe {

// What the first bytes promise. Only the demuxers of that promise may then read the file.
enum class Magic { wav, aiff, flac, ogg, mp4, mpeg };
// nullopt: of no kind that is taken. Looks at 12 bytes; 4 do for some.
std::optional<Magic> magic_of(std::span<const std::byte> head);

// Its content type, by FFmpeg's names of container and codec; nullopt: not what was promised, or no kind that is taken
// (Speex in Ogg, pictures that move in MP4).
std::optional<std::string_view> content_type_of(Magic magic, std::string_view container, std::string_view codec,
                                                bool pictures_move);

}  // namespace toll::probe
