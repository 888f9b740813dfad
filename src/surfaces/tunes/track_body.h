// What clients say about tracks and playlists: our names and the aliases of older clients, checked while it is read.
// Absent members change nothing, so the same types serve creating and changing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json/schema.h"
#include "library/playlists.h"
#include "library/track.h"

namespace toll::tunes {

// Absent; null; a value.
template <class T>
using Change = std::optional<std::optional<T>>;

struct TrackBody {
  std::optional<std::string> name;
  std::optional<std::vector<std::string>> artists;
  Change<std::string> album_name, release_date;
  std::optional<std::vector<std::string>> album_images;
  Change<std::int64_t> duration_ms;
  std::optional<bool> explicit_lyrics;
  std::optional<std::vector<std::string>> genres;
  Change<std::string> isrc, ean, upc;
  Change<std::int64_t> track_number, disc_number;
  std::optional<std::string> metadata;

  void apply_to(library::TrackFields& fields) const;
};

struct PlaylistBody {
  std::optional<std::string> name;
  Change<std::string> description;
  std::optional<bool> is_public;
  std::optional<std::vector<std::string>> images;
  std::optional<std::string> metadata;

  void apply_to(library::PlaylistFields& fields) const;
};
// A playlist that is made.
struct NewPlaylistBody : PlaylistBody {
  std::optional<std::vector<std::string>> track_ids;
};

// A JSON value that is written as it stands.
struct JsonText {
  std::string text;
};

}  // namespace toll::tunes

namespace toll::json {

template <>
struct Codec<tunes::TrackBody> {
  static void read(const Value& v, tunes::TrackBody& out, const Rules&, Reading& reading);
  static Object schema(const Rules&, Definitions& all);
};

template <>
struct Codec<tunes::PlaylistBody> {
  static void read(const Value& v, tunes::PlaylistBody& out, const Rules&, Reading& reading);
  static Object schema(const Rules&, Definitions& all);
};

template <>
struct Codec<tunes::NewPlaylistBody> {
  static void read(const Value& v, tunes::NewPlaylistBody& out, const Rules&, Reading& reading);
  static Object schema(const Rules&, Definitions& all);
};

template <>
struct Codec<tunes::JsonText> {
  static void write(std::string& out, const tunes::JsonText& v, bool) { out += v.text; }
  static Object schema(const Rules&, Definitions&) { return {{"type", "object"}}; }
};

}  // namespace toll::json
