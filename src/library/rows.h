// Tracks and playlists as rows, shared by those who read them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "library/playlists.h"
#include "library/track.h"
#include "sql/database.h"

namespace toll::library {

// Lists stand in one column, their parts separated by what no part can hold. An empty list is an empty text.
inline constexpr char separator = '\x1f';
std::string packed(const std::vector<std::string>& parts);
std::vector<std::string> unpacked(std::string_view text);

// The columns of a track, of the table or alias t.
inline constexpr std::string_view track_columns =
    "t.id, t.name, t.artists, t.album_name, t.album_release_date, t.album_images, t.duration_ms, t.explicit_lyrics, "
    "t.genres, t.isrc, t.ean, t.upc, t.track_number, t.disc_number, t.popularity, t.metadata, t.audio_type, "
    "t.audio_size, t.audio_sha256, t.audio_sample_rate, t.audio_channels, t.audio_uploaded_at, t.features_status, "
    "t.created_at, t.updated_at";
inline constexpr std::size_t track_column_count = 25;
Track read_track(const sql::Row& row, std::size_t first = 0);

// The columns of a playlist, of the table or alias p.
inline constexpr std::string_view playlist_columns =
    "p.id, p.name, p.description, p.is_public, p.images, p.metadata, p.snapshot_id, p.total, p.created_at, "
    "p.updated_at";
Playlist read_playlist(const sql::Row& row, std::size_t first = 0);

// SQLite has one writer and no such words.
inline std::string for_update(sql::Engine engine) {
  return engine == sql::Engine::postgres ? " FOR UPDATE" : "";
}

// Numbers and ids as one parameter, to be taken apart by elements().
std::string as_list(sql::Engine engine, const std::vector<std::int64_t>& numbers);
std::string as_list(sql::Engine engine, const std::vector<std::string>& ids);
// "SELECT ... FROM <this>": the parts of the list in `parameter` as e.value (text) and e.at (from 0).
std::string elements(sql::Engine engine, std::string_view parameter);

}  // namespace toll::library
