// What a track is. Lists have at most a few entries each, so a track is one row and one read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace toll::library {

using TrackId = StrongId<struct TrackTag, std::string>;        // UUID, lower case
using PlaylistId = StrongId<struct PlaylistTag, std::string>;  // UUID, lower case

struct Artist {
  std::string id;  // UUID; the same for the same account and name, whatever its case
  std::string name;
};
// The id that an artist of this name has in an account.
std::string artist_id(AccountId account, std::string_view name);

struct Album {
  std::optional<std::string> name;
  std::optional<std::string> release_date;  // YYYY, YYYY-MM or YYYY-MM-DD
  std::vector<std::string> images;          // URLs
  bool empty() const { return !name && !release_date && images.empty(); }
};

struct ExternalIds {
  std::optional<std::string> isrc, ean, upc;
};

// What the owner says about a track.
struct TrackFields {
  std::string name;
  std::vector<std::string> artists;
  Album album;
  std::optional<std::int64_t> duration_ms;
  bool explicit_lyrics = false;
  std::vector<std::string> genres;
  ExternalIds external_ids;
  std::optional<std::int64_t> track_number, disc_number;
  std::string metadata = "{}";  // the text of a JSON object, the owner's own
};

// The bytes of a track, measured.
struct Audio {
  std::string content_type;
  std::uint64_t size = 0;
  std::string sha256;  // 64 hexadecimal characters; the name of the blob
  std::int64_t sample_rate = 0;
  std::int64_t channels = 0;
  Time uploaded_at;
};

struct Track {
  TrackId id;
  std::string name;
  std::vector<Artist> artists;
  Album album;
  std::optional<std::int64_t> duration_ms;  // of the audio, once there is some
  bool explicit_lyrics = false;
  std::vector<std::string> genres;
  ExternalIds external_ids;
  std::optional<std::int64_t> track_number, disc_number;
  std::int64_t popularity = 0;  // 0..100
  std::string metadata;
  std::optional<Audio> audio;
  std::string features_status;  // of the analysis of the audio: "none"
  Time created_at, updated_at;

  // The part that its owner says, to be changed and given to Tracks::update.
  TrackFields fields() const;
};

// Where a list goes on: after the entry made at this time with this id. Entries that come or go do not move it.
struct After {
  Time created_at;
  std::string id;
};

}  // namespace toll::library
