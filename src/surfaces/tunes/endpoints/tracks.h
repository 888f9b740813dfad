// Tracks: listed, made, changed, removed, one by one or in batches.
#pragma once

#include <variant>

#include "surfaces/tunes/audio_input.h"
#include "surfaces/tunes/page.h"
#include "surfaces/tunes/track_body.h"
#include "surfaces/tunes/wire.h"

namespace toll::tunes {

struct ArtistView {
  std::string id, name;
};

struct ImageView {
  std::string url;
};

struct AlbumView {
  std::optional<std::string> name, release_date;
  std::vector<ImageView> images;
};

struct ExternalIdsView {
  std::optional<std::string> isrc, ean, upc;
};

struct AudioView {
  std::string content_type;
  std::int64_t size = 0;
  std::string sha256;
  std::int64_t sample_rate = 0, channels = 0;
  Stamp uploaded_at;
};

struct TrackView {
  std::string id, type, name;
  std::vector<ArtistView> artists;
  std::optional<AlbumView> album;
  std::optional<std::int64_t> duration_ms;
  bool explicit_lyrics = false;
  std::vector<std::string> genres;
  ExternalIdsView external_ids;
  std::optional<std::int64_t> track_number, disc_number;
  std::int64_t popularity = 0;
  JsonText metadata;
  std::optional<AudioView> audio;
  std::string audio_features_status;
  Stamp created_at, updated_at;
};
TrackView view(library::Track track);
std::vector<TrackView> views(std::vector<library::Track> tracks);
std::vector<ImageView> image_views(std::vector<std::string> urls);
Result<TrackView> view(Result<library::Track> track);

// The tracks of ids=, in their order.
struct SeveralTracks {
  std::vector<std::optional<TrackView>> tracks;
};

struct ListTracks : Endpoint {
  struct Request {
    std::optional<std::int64_t> limit;
    std::optional<Cursor<1>> after;
    std::optional<std::string> artist, genre, isrc;
    std::optional<bool> has_audio;
    std::optional<std::string> ids;
  };
  using Response = std::variant<Page<TrackView>, SeveralTracks>;
  static constexpr Route route{Method::get, "/tracks"};
  static constexpr std::string_view id = "tunes.tracks.list", summary = "Tracks, newest first, or some by their ids";
  static constexpr std::string_view scope = "read:tracks";
  static void check(const Call&, const Request& in, api::Checks& checks);
  static Result<Response> handle(Call& call, const Request& in);
};

struct OneTrack {
  Uuid track_id;
};

// The route that the gate is measured with: one prepared statement, one row.
struct GetTrack : Endpoint {
  using Request = OneTrack;
  using Response = TrackView;
  static constexpr Route route{Method::get, "/tracks/{track_id}"};
  static constexpr std::string_view id = "tunes.tracks.get", summary = "One track";
  static constexpr std::string_view scope = "read:tracks";
  static constexpr bool point_read = true, one_statement = true, cacheable = true;
  static constexpr std::array reasons{Reason::track_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

struct CreateTrack : Endpoint {
  using Call = AudioCall;
  struct Request {
    std::optional<TrackBody> track;
    std::optional<api::UploadedFile> file;
    std::optional<std::string> metadata;
    std::optional<bool> analyze;
  };
  using Response = TrackView;
  static constexpr int status = 201;
  static constexpr Route route{Method::post, "/tracks"};
  static constexpr std::string_view id = "tunes.tracks.create", summary = "Make a track";
  static constexpr std::string_view description =
      "As JSON, or as multipart/form-data with the audio in `file` and, if you like, the JSON in `metadata`. Without a "
      "name the track "
      "gets the file's title tag, else its file name.";
  static constexpr std::string_view scope = "write:tracks";
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::upload_too_large, Reason::unsupported_file, Reason::undecodable_audio,
                                      Reason::audio_too_long,   Reason::model_unusable,   Reason::storage_full};
  static api::FormLimits form_limits(const House& house);
  static Result<void> admit(Call& call);
  static void check(Call& call, const Request& in, api::Checks& checks);
  static Result<void> prepare(Call& call, Request& in);
  static Result<Response> handle(Call& call, const Request& in);
};

struct UpdateTrack : Endpoint {
  struct Request {
    Uuid track_id;
    TrackBody track;
  };
  using Response = TrackView;
  static constexpr Route route{Method::patch, "/tracks/{track_id}"};
  static constexpr std::string_view id = "tunes.tracks.update", summary = "Change a track; what is absent stays";
  static constexpr std::string_view description = "The duration of a track with audio stays what was measured.";
  static constexpr std::string_view scope = "write:tracks";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::track_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

struct DeleteTrack : Endpoint {
  using Request = OneTrack;
  using Response = http::Response;
  static constexpr int status = 204;
  static constexpr Route route{Method::delete_, "/tracks/{track_id}"};
  static constexpr std::string_view id = "tunes.tracks.delete",
                                    summary = "Remove a track, its audio and its places in playlists";
  static constexpr std::string_view scope = "delete:tracks";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::track_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

// One operation of a batch as it came: each is read and done on its own.
struct BatchOperation {
  json::Value value;
};

struct BatchResult {
  std::int64_t index = 0, status = 0;
  std::optional<std::string> id;
  std::optional<JsonText> error;
};

struct BatchResults {
  std::vector<BatchResult> results;
};

struct BatchTracks : Endpoint {
  struct Request {
    std::vector<BatchOperation> operations;
  };
  using Response = BatchResults;
  static constexpr Route route{Method::post, "/tracks/batch"};
  static constexpr std::string_view id = "tunes.tracks.batch", summary = "Make, change and remove up to 100 tracks";
  static constexpr std::string_view description =
      "Each operation stands or falls on its own; its status and error are those that it would have had alone. "
      "Operations that delete need "
      "delete:tracks too, and without it none is done.";
  static constexpr std::string_view scope = "write:tracks";
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::uint64_t max_body = 8 << 20;
  static Result<Response> handle(Call& call, const Request& in);
};

struct SummaryView {
  std::int64_t total_tracks = 0, unique_artists = 0, unique_genres = 0;
};

struct TrackSummary : Endpoint {
  using Request = Nothing;
  using Response = SummaryView;
  static constexpr Route route{Method::get, "/tracks/stats/summary"};
  static constexpr std::string_view id = "tunes.tracks.summary", summary = "How much is in the library";
  static constexpr std::string_view scope = "read:tracks";
  static Result<Response> handle(Call& call, const Request&);
};

}  // namespace toll::tunes

namespace toll::json {

template <>
struct Schema<tunes::ArtistView> {
  using V = tunes::ArtistView;
  static constexpr std::string_view name = "Artist";
  static constexpr auto fields = std::tuple{field(&V::id, "id", "The same for the same name in your library."),
                                            field(&V::name, "name", "As you wrote it.")};
};

template <>
struct Schema<tunes::ImageView> {
  static constexpr std::string_view name = "Image";
  static constexpr auto fields = std::tuple{field(&tunes::ImageView::url, "url", "Its address.")};
};

template <>
struct Schema<tunes::AlbumView> {
  using V = tunes::AlbumView;
  static constexpr std::string_view name = "Album";
  static constexpr auto fields = std::tuple{field(&V::name, "name", "Its name.", {.example = "Discovery"}),
                                            field(&V::release_date, "release_date", "YYYY, YYYY-MM or YYYY-MM-DD."),
                                            field(&V::images, "images", "Covers.")};
};

template <>
struct Schema<tunes::ExternalIdsView> {
  using V = tunes::ExternalIdsView;
  static constexpr std::string_view name = "ExternalIds";
  static constexpr auto fields = std::tuple{field(&V::isrc, "isrc", "ISO 3901.", {.example = "GBDUW0000053"}),
                                            field(&V::ean, "ean", "13 digits."), field(&V::upc, "upc", "12 digits.")};
};

template <>
struct Schema<tunes::AudioView> {
  using V = tunes::AudioView;
  static constexpr std::string_view name = "Audio";
  static constexpr auto fields =
      std::tuple{field(&V::content_type, "content_type", "Told by the content.", {.example = "audio/flac"}),
                 field(&V::size, "size", "Bytes."),
                 field(&V::sha256, "sha256", "Of the bytes, hexadecimal."),
                 field(&V::sample_rate, "sample_rate", "Hz."),
                 field(&V::channels, "channels", "How many."),
                 field(&V::uploaded_at, "uploaded_at", "When it came.")};
};

template <>
struct Schema<tunes::TrackView> {
  using V = tunes::TrackView;
  static constexpr std::string_view name = "Track";
  static constexpr auto fields = std::tuple{field(&V::id, "id", "A UUID."),
                                            field(&V::type, "type", "track.", {.example = "track"}),
                                            field(&V::name, "name", "Its name.", {.example = "One More Time"}),
                                            field(&V::artists, "artists", "In your order."),
                                            field(&V::album, "album", "null while nothing is known of it."),
                                            field(&V::duration_ms, "duration_ms", "Measured once there is audio."),
                                            field(&V::explicit_lyrics, "explicit", "Whether the words are."),
                                            field(&V::genres, "genres", "In your order."),
                                            field(&V::external_ids, "external_ids", "Codes of others."),
                                            field(&V::track_number, "track_number", "On its disc."),
                                            field(&V::disc_number, "disc_number", "Of the album."),
                                            field(&V::popularity, "popularity", "0 to 100, from plays."),
                                            field(&V::metadata, "metadata", "Yours."),
                                            field(&V::audio, "audio", "null while there is none."),
                                            field(&V::audio_features_status, "audio_features_status",
                                                  "none, pending, running, completed or failed.", {.example = "none"}),
                                            field(&V::created_at, "created_at", "When it was made."),
                                            field(&V::updated_at, "updated_at", "The latest change.")};
};

template <>
struct Schema<tunes::SeveralTracks> {
  static constexpr std::string_view name = "SeveralTracks";
  static constexpr auto fields =
      std::tuple{field(&tunes::SeveralTracks::tracks, "tracks", "In the order of the ids; null where there is none.")};
};

template <>
struct Codec<tunes::ListTracks::Response> {
  static void write(std::string& out, const tunes::ListTracks::Response& v, bool redact) {
    std::visit([&](const auto& one) { Codec<std::remove_cvref_t<decltype(one)>>::write(out, one, redact); }, v);
  }
  static Object schema(const Rules& rules, Definitions& all) {
    return {{"anyOf", Array{Codec<tunes::Page<tunes::TrackView>>::schema(rules, all),
                            Codec<tunes::SeveralTracks>::schema(rules, all)}}};
  }
};

template <>
struct Schema<tunes::ListTracks::Request> {
  using R = tunes::ListTracks::Request;
  static constexpr std::string_view name = "ListTracks";
  static constexpr auto fields = std::tuple{
      field(&R::limit, "limit", "Tracks a page; 100 unless said otherwise.", {.in = In::query, .min = 1, .max = 1000}),
      field(&R::after, "after", "Where the page before ended.", {.in = In::query}),
      field(&R::artist, "artist", "Part of an artist's name, in any case.", {.in = In::query}),
      field(&R::genre, "genre", "Exactly one of its genres.", {.in = In::query}),
      field(&R::isrc, "isrc", "Its ISRC.", {.in = In::query}),
      field(&R::has_audio, "has_audio", "With audio, or without.", {.in = In::query}),
      field(&R::ids, "ids", "Up to 100 ids with commas between; other parameters do not count then.",
            {.in = In::query})};
};

template <>
struct Schema<tunes::OneTrack> {
  static constexpr std::string_view name = "OneTrack";
  static constexpr auto fields =
      std::tuple{field(&tunes::OneTrack::track_id, "track_id", "The track's id.", {.in = In::path})};
};

template <>
struct Schema<tunes::CreateTrack::Request> {
  using R = tunes::CreateTrack::Request;
  static constexpr std::string_view name = "CreateTrack";
  static constexpr auto fields =
      std::tuple{field(&R::track, "", "The track."),
                 field(&R::file, "file", "WAV, AIFF, FLAC, MP3, Ogg Vorbis, Opus or AAC/M4A.", {.in = In::form}),
                 field(&R::metadata, "metadata", "The track as JSON.", {.in = In::form}),
                 field(&R::analyze, "analyze", "Also analyse the audio.", {.in = In::query})};
};

template <>
struct Schema<tunes::UpdateTrack::Request> {
  using R = tunes::UpdateTrack::Request;
  static constexpr std::string_view name = "UpdateTrack";
  static constexpr auto fields = std::tuple{field(&R::track_id, "track_id", "The track's id.", {.in = In::path}),
                                            field(&R::track, "", "What changes.")};
};

template <>
struct Codec<tunes::BatchOperation> {
  static void read(const Value& v, tunes::BatchOperation& out, const Rules&, Reading&) { out.value = v; }
  static Object schema(const Rules& rules, Definitions& all) {
    return {{"type", "object"},
            {"properties", Object{{"op", Object{{"type", "string"}, {"enum", Array{"create", "update", "delete"}}}},
                                  {"id", Object{{"type", "string"}, {"format", "uuid"}}},
                                  {"track", Codec<tunes::TrackBody>::schema(rules, all)}}},
            {"required", Array{"op"}}};
  }
};

template <>
struct Schema<tunes::BatchTracks::Request> {
  static constexpr std::string_view name = "BatchTracks";
  static constexpr auto fields =
      std::tuple{field(&tunes::BatchTracks::Request::operations, "operations", "In order.", {.min = 1, .max = 100})};
};

template <>
struct Schema<tunes::BatchResult> {
  using V = tunes::BatchResult;
  static constexpr std::string_view name = "BatchResult";
  static constexpr auto fields = std::tuple{
      field(&V::index, "index", "Of the operation."), field(&V::status, "status", "As if it had come alone."),
      field(&V::id, "id", "The track's id; null where there is none."),
      field(&V::error, "error", "As of a request of its own; null when it was done.")};
};

template <>
struct Schema<tunes::BatchResults> {
  static constexpr std::string_view name = "BatchResults";
  static constexpr auto fields =
      std::tuple{field(&tunes::BatchResults::results, "results", "One for each operation, in order.")};
};

template <>
struct Schema<tunes::SummaryView> {
  using V = tunes::SummaryView;
  static constexpr std::string_view name = "TrackSummary";
  static constexpr auto fields = std::tuple{field(&V::total_tracks, "total_tracks", "All tracks."),
                                            field(&V::unique_artists, "unique_artists", "Different artists."),
                                            field(&V::unique_genres, "unique_genres", "Different genres.")};
};

}  // namespace toll::json
