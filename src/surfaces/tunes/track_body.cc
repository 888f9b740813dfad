#include "surfaces/tunes/track_body.h"

#include <array>
#include <cmath>

#include "library/rules.h"
#include "surfaces/tunes/wire.h"

namespace toll::tunes {

namespace {

using json::Array;
using json::Object;
using json::Reading;
using json::Rules;
using json::Value;

// One problem at most for each value: what its rule says of a text that could be read.
void read_checked(const Value& v, std::string& out, library::Complaint (*check)(std::string_view), Reading& reading) {
  if (!v.is_string()) return reading.refuse(Problem::not_string, "must be a string", v);
  out = std::string(v.get_string());
  if (const auto why = check(out)) reading.refuse(Problem::rejected, *why, v);
}

template <std::int64_t min, std::int64_t max>
library::Complaint sized(std::string_view text) {
  return library::check_text(text, min, max);
}

template <class T, class Read>
void read_nullable(const Value& v, Change<T>& out, Read read) {
  out.emplace();
  if (!v.is_null()) read(out->emplace());
}

void read_integer(const Value& v, std::int64_t& out, Rules rules, Reading& reading) {
  json::Codec<std::int64_t>::read(v, out, rules, reading);
}

// A member of the body: where it is read to, and what it is another name of.
template <class Body>
struct Member {
  std::string_view name, says;  // `says`: members with the same one exclude each other
  void (*read)(const Value& v, Body& out, Reading& reading);
};

template <class Body, std::size_t N>
void read_members(const Value& v, Body& out, const std::array<Member<Body>, N>& members, Reading& reading) {
  if (!v.is_object()) return reading.refuse(Problem::not_object, "must be an object", v);
  std::vector<std::pair<std::string_view, std::string_view>> said;  // what, and by which name
  for (const auto& entry : v.get_object()) {
    if (reading.full()) return;
    reading.enter(entry.key());
    const auto* member = std::ranges::find(members, std::string_view(entry.key()), &Member<Body>::name);
    if (member == members.end()) {
      reading.refuse(Problem::rejected, "is not a field of this request", entry.value());
    } else if (auto it = std::ranges::find(said, member->says, [](const auto& s) { return s.first; });
               it != said.end()) {
      reading.refuse(Problem::rejected, "says the same as " + std::string(it->second), entry.value());
    } else {
      said.emplace_back(member->says, member->name);
      member->read(entry.value(), out, reading);
    }
    reading.leave();
  }
}

// A list whose items are read one by one; null is an empty one.
template <class ReadItem>
void read_list(const Value& v, std::vector<std::string>& out, std::int64_t max, Reading& reading, ReadItem read_item) {
  if (v.is_null()) return;
  if (!v.is_array()) return reading.refuse(Problem::not_list, "must be a list", v);
  const auto& list = v.get_array();
  if (static_cast<std::int64_t>(list.size()) > max)
    return reading.refuse(Problem::rejected, "must have at most " + std::to_string(max) + " items", v);
  for (std::size_t i = 0; i < list.size(); ++i) {
    reading.enter(static_cast<std::int64_t>(i));
    read_item(list[i], out.emplace_back());
    reading.leave();
  }
}

// An object of which one member counts: {"name": ...}. `ignored` is what we write beside it ourselves.
void read_wrapped(const Value& v, std::string& out, std::string_view name, std::string_view ignored,
                  library::Complaint (*check)(std::string_view), Reading& reading) {
  const auto* inner = v.get_object().if_contains(name);
  reading.enter(name);
  if (inner)
    read_checked(*inner, out, check, reading);
  else
    reading.refuse(Problem::missing, "is required", v);
  reading.leave();
  for (const auto& entry : v.get_object()) {
    if (entry.key() == name || entry.key() == ignored) continue;
    reading.enter(entry.key());
    reading.refuse(Problem::rejected, "is not a field of this request", entry.value());
    reading.leave();
  }
}

constexpr auto artist_name = sized<1, library::max_artist>;
constexpr auto genre_name = sized<1, library::max_genre>;

void read_artist(const Value& v, std::string& out, Reading& reading) {
  if (v.is_object()) return read_wrapped(v, out, "name", "id", artist_name, reading);
  read_checked(v, out, artist_name, reading);
}

void read_images(const Value& v, std::vector<std::string>& out, Reading& reading) {
  read_list(v, out, library::max_images, reading, [&](const Value& item, std::string& url) {
    if (item.is_object()) return read_wrapped(item, url, "url", "", library::check_url, reading);
    read_checked(item, url, library::check_url, reading);
  });
}

void read_metadata(const Value& v, std::optional<std::string>& out, Reading& reading) {
  if (!v.is_object()) return reading.refuse(Problem::not_object, "must be an object", v);
  Value checked;
  json::Codec<Value>::read(v, checked, {}, reading);  // control characters in its texts
  out = boost::json::serialize(v);
  if (const auto why = library::check_metadata(*out)) reading.refuse(Problem::rejected, *why, Value(nullptr));
}

void read_url_as_images(const Value& v, std::optional<std::vector<std::string>>& out, Reading& reading) {
  auto& images = out.emplace();
  if (!v.is_null()) read_checked(v, images.emplace_back(), library::check_url, reading);
}

void read_album_name(const Value& v, TrackBody& out, Reading& reading) {
  read_nullable(v, out.album_name,
                [&](std::string& name) { read_checked(v, name, sized<1, library::max_album>, reading); });
}

constexpr std::array<Member<TrackBody>, 3> album_members{{
    {"name", "name", read_album_name},
    {"release_date", "release_date",
     [](const Value& v, TrackBody& out, Reading& reading) {
       read_nullable(v, out.release_date,
                     [&](std::string& date) { read_checked(v, date, library::check_release_date, reading); });
     }},
    {"images", "images",
     [](const Value& v, TrackBody& out, Reading& reading) { read_images(v, out.album_images.emplace(), reading); }},
}};

void read_album(const Value& v, TrackBody& out, Reading& reading) {
  if (v.is_object()) return read_members(v, out, album_members, reading);
  if (!v.is_null()) return read_album_name(v, out, reading);
  out.album_name.emplace();
  out.release_date.emplace();
  out.album_images.emplace();
}

template <Change<std::string> TrackBody::*code, library::Complaint (*check)(std::string_view)>
void read_code(const Value& v, TrackBody& out, Reading& reading) {
  read_nullable(v, out.*code, [&](std::string& text) { read_checked(v, text, check, reading); });
}

constexpr std::array<Member<TrackBody>, 3> id_members{{
    {"isrc", "isrc",
     [](const Value& v, TrackBody& out, Reading& reading) {
       read_code<&TrackBody::isrc, library::check_isrc>(v, out, reading);
       if (*out.isrc) **out.isrc = library::normal_isrc(**out.isrc);
     }},
    {"ean", "ean", read_code<&TrackBody::ean, library::check_ean>},
    {"upc", "upc", read_code<&TrackBody::upc, library::check_upc>},
}};

void read_ids(const Value& v, TrackBody& out, Reading& reading) {
  if (!v.is_null()) return read_members(v, out, id_members, reading);
  out.isrc.emplace();
  out.ean.emplace();
  out.upc.emplace();
}

template <Change<std::int64_t> TrackBody::*number>
void read_number(const Value& v, TrackBody& out, Reading& reading) {
  read_nullable(v, out.*number, [&](std::int64_t& n) { read_integer(v, n, {.min = 1, .max = 1'000'000}, reading); });
}

constexpr std::int64_t longest_ms = std::int64_t{366} * 24 * 3600 * 1000;

void read_seconds(const Value& v, TrackBody& out, Reading& reading) {
  read_nullable(v, out.duration_ms, [&](std::int64_t& ms) {
    if (!v.is_number()) return reading.refuse(Problem::not_integer, "must be a number", v);
    const double exact = v.to_number<double>() * 1000;
    if (!(exact >= 0.5 && exact <= static_cast<double>(longest_ms)))
      return reading.refuse(Problem::rejected, "must be at least 0.001", v);
    ms = std::llround(exact);
  });
}

void read_release_year(const Value& v, TrackBody& out, Reading& reading) {
  read_nullable(v, out.release_date, [&](std::string& date) {
    std::int64_t year = 0;
    read_integer(v, year, {.min = library::min_year, .max = library::max_year}, reading);
    date = std::to_string(year);
  });
}

constexpr std::array<Member<TrackBody>, 18> track_members{{
    {"name", "name",
     [](const Value& v, TrackBody& out, Reading& reading) {
       read_checked(v, out.name.emplace(), sized<1, library::max_name>, reading);
     }},
    {"title", "name",
     [](const Value& v, TrackBody& out, Reading& reading) {
       read_checked(v, out.name.emplace(), sized<1, library::max_name>, reading);
     }},
    {"artists", "artists",
     [](const Value& v, TrackBody& out, Reading& reading) {
       if (v.is_null()) return reading.refuse(Problem::not_list, "must be a list", v);
       read_list(v, out.artists.emplace(), library::max_artists, reading,
                 [&](const Value& item, std::string& name) { read_artist(item, name, reading); });
     }},
    {"artist", "artists",
     [](const Value& v, TrackBody& out, Reading& reading) {
       auto& artists = out.artists.emplace();
       if (!v.is_null()) read_checked(v, artists.emplace_back(), artist_name, reading);
     }},
    {"album", "album", read_album},
    {"duration_ms", "duration",
     [](const Value& v, TrackBody& out, Reading& reading) {
       read_nullable(v, out.duration_ms,
                     [&](std::int64_t& ms) { read_integer(v, ms, {.min = 1, .max = longest_ms}, reading); });
     }},
    {"duration_seconds", "duration", read_seconds},
    {"explicit", "explicit",
     [](const Value& v, TrackBody& out, Reading& reading) {
       json::Codec<bool>::read(v, out.explicit_lyrics.emplace(), {}, reading);
     }},
    {"genres", "genres",
     [](const Value& v, TrackBody& out, Reading& reading) {
       if (v.is_null()) return reading.refuse(Problem::not_list, "must be a list", v);
       read_list(v, out.genres.emplace(), library::max_genres, reading,
                 [&](const Value& item, std::string& genre) { read_checked(item, genre, genre_name, reading); });
     }},
    {"genre", "genres",
     [](const Value& v, TrackBody& out, Reading& reading) {
       auto& genres = out.genres.emplace();
       if (!v.is_null()) read_checked(v, genres.emplace_back(), genre_name, reading);
     }},
    {"external_ids", "external_ids", read_ids},
    {"track_number", "track_number", read_number<&TrackBody::track_number>},
    {"disc_number", "disc_number", read_number<&TrackBody::disc_number>},
    {"release_year", "release_year", read_release_year},
    {"cover_url", "cover_url",
     [](const Value& v, TrackBody& out, Reading& reading) { read_url_as_images(v, out.album_images, reading); }},
    {"metadata", "metadata",
     [](const Value& v, TrackBody& out, Reading& reading) { read_metadata(v, out.metadata, reading); }},
    {"extra_metadata", "metadata",
     [](const Value& v, TrackBody& out, Reading& reading) { read_metadata(v, out.metadata, reading); }},
    {"isrc", "isrc", [](const Value& v, TrackBody& out, Reading& reading) { id_members[0].read(v, out, reading); }},
}};

template <class Body>
void read_playlist_name(const Value& v, Body& out, Reading& reading) {
  read_checked(v, out.name.emplace(), sized<1, library::max_playlist_name>, reading);
}
template <class Body>
void read_description(const Value& v, Body& out, Reading& reading) {
  read_nullable(v, out.description, [&](std::string& text) {
    read_checked(v, text, sized<0, library::max_playlist_description>, reading);
  });
}
template <class Body>
void read_public(const Value& v, Body& out, Reading& reading) {
  json::Codec<bool>::read(v, out.is_public.emplace(), {}, reading);
}
template <class Body>
void read_playlist_images(const Value& v, Body& out, Reading& reading) {
  read_images(v, out.images.emplace(), reading);
}
template <class Body>
void read_cover(const Value& v, Body& out, Reading& reading) {
  read_url_as_images(v, out.images, reading);
}
template <class Body>
void read_playlist_metadata(const Value& v, Body& out, Reading& reading) {
  read_metadata(v, out.metadata, reading);
}
void read_first_tracks(const Value& v, NewPlaylistBody& out, Reading& reading) {
  read_list(v, out.track_ids.emplace(), 100, reading, [&](const Value& item, std::string& id) {
    Uuid uuid;
    json::Codec<Uuid>::read(item, uuid, {}, reading);
    id = std::move(uuid.value);
  });
}

template <class Body>
constexpr std::array<Member<Body>, 8> playlist_members{{
    {"name", "name", read_playlist_name<Body>},
    {"description", "description", read_description<Body>},
    {"public", "public", read_public<Body>},
    {"is_public", "public", read_public<Body>},
    {"images", "images", read_playlist_images<Body>},
    {"cover_url", "images", read_cover<Body>},
    {"metadata", "metadata", read_playlist_metadata<Body>},
    {"extra_metadata", "metadata", read_playlist_metadata<Body>},
}};

constexpr auto new_playlist_members = [] {
  std::array<Member<NewPlaylistBody>, 9> out{};
  for (std::size_t i = 0; i < 8; ++i) out[i] = playlist_members<NewPlaylistBody>[i];
  out[8] = {"track_ids", "track_ids", read_first_tracks};
  return out;
}();

Object text(std::int64_t min, std::int64_t max, std::string_view doc) {
  return {{"type", "string"}, {"minLength", min}, {"maxLength", max}, {"description", doc}};
}
Object nullable(Object schema) {
  schema["type"] = Array{schema["type"], "null"};
  return schema;
}
Object list(Object items, std::int64_t max, std::string_view doc) {
  return {{"type", "array"}, {"items", std::move(items)}, {"maxItems", max}, {"description", doc}};
}
Object number(std::string_view type, std::string_view doc) {
  return {{"type", type}, {"description", doc}};
}
Object image_list(std::string_view doc) {
  return list({{"type", "object"}, {"properties", Object{{"url", Object{{"type", "string"}, {"format", "uri"}}}}}},
              library::max_images, doc);
}
Object own_object(std::string_view doc) {
  return {{"type", "object"}, {"description", doc}};
}

Object track_schema() {
  const Object album{{"type", "object"},
                     {"properties", Object{{"name", nullable(text(1, library::max_album, "Its name."))},
                                           {"release_date", nullable(text(4, 10, "YYYY, YYYY-MM or YYYY-MM-DD."))},
                                           {"images", image_list("Covers.")}}}};
  const Object ids{{"type", "object"},
                   {"properties", Object{{"isrc", nullable(text(12, 15, "ISO 3901."))},
                                         {"ean", nullable(text(13, 13, "With its check digit."))},
                                         {"upc", nullable(text(12, 12, "With its check digit."))}}}};
  Object artist{{"anyOf", Array{text(1, library::max_artist, "A name."),
                                Object{{"type", "object"},
                                       {"properties", Object{{"name", text(1, library::max_artist, "A name.")}}}}}}};
  return {
      {"type", "object"},
      {"properties",
       Object{
           {"name", text(1, library::max_name, "Required when a track is made without a file. Alias: title.")},
           {"artists", list(std::move(artist), library::max_artists, "Names. Alias for one: artist, a string.")},
           {"album",
            Object{{"anyOf", Array{album, text(1, library::max_album, "Its name."), Object{{"type", "null"}}}}}},
           {"duration_ms", nullable(number("integer", "At least 1; what is measured wins. Alias: duration_seconds."))},
           {"explicit", number("boolean", "Whether the words are.")},
           {"genres", list(text(1, library::max_genre, "A genre."), library::max_genres, "Alias for one: genre.")},
           {"external_ids", ids},
           {"track_number", nullable(number("integer", "At least 1."))},
           {"disc_number", nullable(number("integer", "At least 1."))},
           {"metadata", own_object("Yours, at most 16 KiB. Alias: extra_metadata.")},
           {"release_year", nullable(number("integer", "1900 to 2100: the album's release date."))},
           {"cover_url", nullable(text(1, library::max_url, "The album's only image."))},
           {"title", text(1, library::max_name, "Alias of name.")},
           {"artist", nullable(text(1, library::max_artist, "Alias of artists with one name."))},
           {"genre", nullable(text(1, library::max_genre, "Alias of genres with one entry."))},
           {"duration_seconds", nullable(number("number", "Alias of duration_ms, in seconds."))},
           {"isrc", nullable(text(12, 15, "Alias of external_ids.isrc."))},
           {"extra_metadata", own_object("Alias of metadata.")}}}};
}

Object playlist_schema(bool made) {
  Object properties{{"name", text(1, library::max_playlist_name, "Required when a playlist is made.")},
                    {"description", nullable(text(0, library::max_playlist_description, "What it is for."))},
                    {"public", number("boolean", "A flag of yours; it opens nothing to others. Alias: is_public.")},
                    {"is_public", number("boolean", "Alias of public.")},
                    {"images", image_list("Covers.")},
                    {"cover_url", nullable(text(1, library::max_url, "The only image."))},
                    {"metadata", own_object("Yours, at most 16 KiB. Alias: extra_metadata.")},
                    {"extra_metadata", own_object("Alias of metadata.")}};
  if (made)
    properties["track_ids"] = list({{"type", "string"}, {"format", "uuid"}}, 100, "The first tracks, in order.");
  return {{"type", "object"}, {"properties", std::move(properties)}};
}

Object named(std::string_view name, Object schema, json::Definitions& all) {
  all[name] = std::move(schema);
  return {{"$ref", "#/components/schemas/" + std::string(name)}};
}

template <class T>
void set(T& out, const std::optional<T>& change) {
  if (change) out = *change;
}

}  // namespace

void TrackBody::apply_to(library::TrackFields& fields) const {
  set(fields.name, name);
  set(fields.artists, artists);
  set(fields.album.name, album_name);
  set(fields.album.release_date, release_date);
  set(fields.album.images, album_images);
  set(fields.duration_ms, duration_ms);
  set(fields.explicit_lyrics, explicit_lyrics);
  set(fields.genres, genres);
  set(fields.external_ids.isrc, isrc);
  set(fields.external_ids.ean, ean);
  set(fields.external_ids.upc, upc);
  set(fields.track_number, track_number);
  set(fields.disc_number, disc_number);
  set(fields.metadata, metadata);
}

void PlaylistBody::apply_to(library::PlaylistFields& fields) const {
  set(fields.name, name);
  set(fields.description, description);
  set(fields.is_public, is_public);
  set(fields.images, images);
  set(fields.metadata, metadata);
}

}  // namespace toll::tunes

namespace toll::json {

void Codec<tunes::TrackBody>::read(const Value& v, tunes::TrackBody& out, const Rules&, Reading& reading) {
  tunes::read_members(v, out, tunes::track_members, reading);
}
Object Codec<tunes::TrackBody>::schema(const Rules&, Definitions& all) {
  return tunes::named("TrackFields", tunes::track_schema(), all);
}

void Codec<tunes::PlaylistBody>::read(const Value& v, tunes::PlaylistBody& out, const Rules&, Reading& reading) {
  tunes::read_members(v, out, tunes::playlist_members<tunes::PlaylistBody>, reading);
}
Object Codec<tunes::PlaylistBody>::schema(const Rules&, Definitions& all) {
  return tunes::named("PlaylistFields", tunes::playlist_schema(false), all);
}

void Codec<tunes::NewPlaylistBody>::read(const Value& v, tunes::NewPlaylistBody& out, const Rules&, Reading& reading) {
  tunes::read_members(v, out, tunes::new_playlist_members, reading);
}
Object Codec<tunes::NewPlaylistBody>::schema(const Rules&, Definitions& all) {
  return tunes::named("NewPlaylist", tunes::playlist_schema(true), all);
}

}  // namespace toll::json
