// What the fields of tracks and playlists may be. Each check says in a clause why a value is refused; nullopt: it is
// fine. Lengths are in code points.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace toll::library {

inline constexpr std::int64_t max_name = 500;
inline constexpr std::int64_t max_album = 500;
inline constexpr std::int64_t max_artists = 20;
inline constexpr std::int64_t max_artist = 200;
inline constexpr std::int64_t max_genres = 10;
inline constexpr std::int64_t max_genre = 100;
inline constexpr std::int64_t max_images = 10;
inline constexpr std::int64_t max_url = 2048;
inline constexpr std::size_t max_metadata_bytes = 16 << 10;
inline constexpr std::int64_t min_year = 1900;
inline constexpr std::int64_t max_year = 2100;
inline constexpr std::int64_t max_playlist_name = 255;
inline constexpr std::int64_t max_playlist_description = 5000;
inline constexpr std::size_t max_playlist_tracks = 10'000;

using Complaint = std::optional<std::string>;

// Length, and no control characters but tab and newline. A text that may not be empty may not be blank either.
Complaint check_text(std::string_view text, std::int64_t min, std::int64_t max);
// YYYY, YYYY-MM or YYYY-MM-DD, a day that exists, min_year to max_year.
Complaint check_release_date(std::string_view text);
// ISO 3901: two letters, three letters or digits, seven digits; hyphens and case do not matter.
Complaint check_isrc(std::string_view text);
std::string normal_isrc(std::string_view text);  // "GBAYE0601498"
// 13 (EAN) or 12 (UPC) digits whose last one is the check digit of the others (GS1 General Specifications, 7.9.1).
Complaint check_ean(std::string_view text);
Complaint check_upc(std::string_view text);
// An http or https address.
Complaint check_url(std::string_view text);
// The text of a JSON object: its size.
Complaint check_metadata(std::string_view json);

}  // namespace toll::library
