// Playlists and what is in them.
#pragma once

#include "surfaces/tunes/endpoints/tracks.h"

namespace toll::tunes {

struct TracksLink {
  std::string href;
  std::int64_t total = 0;
};

struct EntryView {
  std::int64_t position = 0;
  Stamp added_at;
  TrackView track;
};

// As in lists: its tracks are a link.
struct PlaylistView {
  std::string id, type, name;
  std::optional<std::string> description;
  bool is_public = false;
  std::vector<ImageView> images;
  std::string snapshot_id;
  TracksLink tracks;
  JsonText metadata;
  Stamp created_at, updated_at;
};

// As it is alone: with the first page of its tracks.
struct FullPlaylist {
  std::string id, type, name;
  std::optional<std::string> description;
  bool is_public = false;
  std::vector<ImageView> images;
  std::string snapshot_id;
  Page<EntryView> tracks;
  JsonText metadata;
  Stamp created_at, updated_at;
};

PlaylistView view(const api::Call<House>& call, library::Playlist playlist);

struct OnePlaylist {
  Uuid playlist_id;
};

struct CreatePlaylist : Endpoint {
  struct Request {
    NewPlaylistBody playlist;
  };
  using Response = FullPlaylist;
  static constexpr int status = 201;
  static constexpr Route route{Method::post, "/playlists"};
  static constexpr std::string_view id = "tunes.playlists.create", summary = "Make a playlist";
  static constexpr std::string_view scope = "write:playlists";
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::track_not_found};
  static void check(const Call&, const Request& in, api::Checks& checks);
  static Result<Response> handle(Call& call, const Request& in);
};

struct ListPlaylists : Endpoint {
  struct Request {
    std::optional<std::int64_t> limit;
    std::optional<Cursor<1>> after;
    std::optional<bool> is_public;
  };
  using Response = Page<PlaylistView>;
  static constexpr Route route{Method::get, "/playlists"};
  static constexpr std::string_view id = "tunes.playlists.list", summary = "Playlists, newest first";
  static constexpr std::string_view scope = "read:playlists";
  static Result<Response> handle(Call& call, const Request& in);
};

struct GetPlaylist : Endpoint {
  using Request = OnePlaylist;
  using Response = FullPlaylist;
  static constexpr Route route{Method::get, "/playlists/{playlist_id}"};
  static constexpr std::string_view id = "tunes.playlists.get", summary = "One playlist with its first tracks";
  static constexpr std::string_view scope = "read:playlists";
  static constexpr std::array reasons{Reason::playlist_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

struct UpdatePlaylist : Endpoint {
  struct Request {
    Uuid playlist_id;
    PlaylistBody playlist;
  };
  using Response = FullPlaylist;
  static constexpr Route route{Method::patch, "/playlists/{playlist_id}"};
  static constexpr std::string_view id = "tunes.playlists.update", summary = "Change a playlist; what is absent stays";
  static constexpr std::string_view scope = "write:playlists";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::playlist_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

struct DeletePlaylist : Endpoint {
  using Request = OnePlaylist;
  using Response = http::Response;
  static constexpr int status = 204;
  static constexpr Route route{Method::delete_, "/playlists/{playlist_id}"};
  static constexpr std::string_view id = "tunes.playlists.delete", summary = "Remove a playlist; its tracks stay";
  static constexpr std::string_view scope = "delete:playlists";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::playlist_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

struct ListEntries : Endpoint {
  struct Request {
    Uuid playlist_id;
    std::optional<std::int64_t> limit;
    std::optional<Cursor<1>> after;
  };
  using Response = Page<EntryView>;
  static constexpr Route route{Method::get, "/playlists/{playlist_id}/tracks"};
  static constexpr std::string_view id = "tunes.playlists.tracks.list", summary = "The tracks of a playlist, in order";
  static constexpr std::string_view scope = "read:playlists";
  static constexpr std::array reasons{Reason::playlist_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

struct AddedView {
  std::string snapshot_id;
  std::int64_t added = 0, skipped = 0;
};

struct AddEntries : Endpoint {
  struct Request {
    Uuid playlist_id;
    std::vector<Uuid> track_ids;
    std::optional<std::int64_t> position;
  };
  using Response = AddedView;
  static constexpr int status = 201;
  static constexpr Route route{Method::post, "/playlists/{playlist_id}/tracks"};
  static constexpr std::string_view id = "tunes.playlists.tracks.add",
                                    summary = "Add tracks; those that are in it already are skipped";
  static constexpr std::string_view scope = "write:playlists";
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::playlist_not_found, Reason::track_not_found, Reason::playlist_full};
  static Result<Response> handle(Call& call, const Request& in);
};

struct SnapshotView {
  std::string snapshot_id;
};

struct PutEntries : Endpoint {
  struct Request {
    Uuid playlist_id;
    std::optional<std::vector<Uuid>> track_ids;
    std::optional<std::int64_t> range_start, insert_before, range_length;
    std::optional<std::string> snapshot_id;
  };
  using Response = SnapshotView;
  static constexpr Route route{Method::put, "/playlists/{playlist_id}/tracks"};
  static constexpr std::string_view id = "tunes.playlists.tracks.put",
                                    summary = "Replace the tracks of a playlist, or move some of them";
  static constexpr std::string_view description =
      "With track_ids: these tracks in this order, and no others. Otherwise the tracks from range_start on move to "
      "stand before the one at "
      "insert_before, both counted before the move.";
  static constexpr std::string_view scope = "write:playlists";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::playlist_not_found, Reason::track_not_found, Reason::playlist_full,
                                      Reason::snapshot_outdated};
  static void check(const Call&, const Request& in, api::Checks& checks);
  static Result<Response> handle(Call& call, const Request& in);
};

struct ReorderEntry : Endpoint {
  struct Request {
    Uuid playlist_id, track_id;
    std::int64_t new_position = 0;
  };
  using Response = SnapshotView;
  static constexpr Route route{Method::post, "/playlists/{playlist_id}/tracks/reorder"};
  static constexpr std::string_view id = "tunes.playlists.tracks.reorder", summary = "Move one track to a position";
  static constexpr std::string_view scope = "write:playlists";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::playlist_not_found, Reason::track_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

struct TakeOutEntries : Endpoint {
  struct Request {
    Uuid playlist_id;
    std::vector<Uuid> track_ids;
    std::optional<std::string> snapshot_id;
  };
  using Response = SnapshotView;
  static constexpr Route route{Method::delete_, "/playlists/{playlist_id}/tracks"};
  static constexpr std::string_view id = "tunes.playlists.tracks.remove",
                                    summary = "Take tracks out; those that are not in it do not matter";
  static constexpr std::string_view scope = "write:playlists";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::playlist_not_found, Reason::snapshot_outdated};
  static Result<Response> handle(Call& call, const Request& in);
};

struct TakeOutEntry : Endpoint {
  struct Request {
    Uuid playlist_id, track_id;
  };
  using Response = SnapshotView;
  static constexpr Route route{Method::delete_, "/playlists/{playlist_id}/tracks/{track_id}"};
  static constexpr std::string_view id = "tunes.playlists.tracks.remove_one", summary = "Take one track out";
  static constexpr std::string_view scope = "write:playlists";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::playlist_not_found, Reason::track_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

}  // namespace toll::tunes

namespace toll::json {

template <>
struct Schema<tunes::TracksLink> {
  using V = tunes::TracksLink;
  static constexpr std::string_view name = "TracksLink";
  static constexpr auto fields =
      std::tuple{field(&V::href, "href", "Where they are."), field(&V::total, "total", "How many.")};
};

template <>
struct Schema<tunes::EntryView> {
  using V = tunes::EntryView;
  static constexpr std::string_view name = "PlaylistTrack";
  static constexpr auto fields =
      std::tuple{field(&V::position, "position", "From 0, without gaps."),
                 field(&V::added_at, "added_at", "When it was added."), field(&V::track, "track", "The track.")};
};

// Both shapes of a playlist; only the tracks differ.
template <class V>
constexpr auto playlist_fields(std::string_view tracks_doc) {
  return std::tuple{field(&V::id, "id", "A UUID."),
                    field(&V::type, "type", "playlist.", {.example = "playlist"}),
                    field(&V::name, "name", "Its name."),
                    field(&V::description, "description", "What it is for."),
                    field(&V::is_public, "public", "A flag of yours; it opens nothing to others."),
                    field(&V::images, "images", "Covers."),
                    field(&V::snapshot_id, "snapshot_id", "Another one whenever its tracks changed."),
                    field(&V::tracks, "tracks", tracks_doc),
                    field(&V::metadata, "metadata", "Yours."),
                    field(&V::created_at, "created_at", "When it was made."),
                    field(&V::updated_at, "updated_at", "The latest change.")};
}

template <>
struct Schema<tunes::PlaylistView> {
  static constexpr std::string_view name = "Playlist";
  static constexpr auto fields = playlist_fields<tunes::PlaylistView>("Where they are.");
};

template <>
struct Schema<tunes::FullPlaylist> {
  static constexpr std::string_view name = "FullPlaylist";
  static constexpr auto fields = playlist_fields<tunes::FullPlaylist>("The first page.");
};

template <>
struct Schema<tunes::OnePlaylist> {
  static constexpr std::string_view name = "OnePlaylist";
  static constexpr auto fields =
      std::tuple{field(&tunes::OnePlaylist::playlist_id, "playlist_id", "The playlist's id.", {.in = In::path})};
};

template <>
struct Schema<tunes::CreatePlaylist::Request> {
  static constexpr std::string_view name = "CreatePlaylist";
  static constexpr auto fields = std::tuple{field(&tunes::CreatePlaylist::Request::playlist, "", "The playlist.")};
};

template <>
struct Schema<tunes::ListPlaylists::Request> {
  using R = tunes::ListPlaylists::Request;
  static constexpr std::string_view name = "ListPlaylists";
  static constexpr auto fields = std::tuple{
      field(&R::limit, "limit", "Playlists a page; 20 unless said otherwise.", {.in = In::query, .min = 1, .max = 100}),
      field(&R::after, "after", "Where the page before ended.", {.in = In::query}),
      field(&R::is_public, "public", "With the flag, or without.", {.in = In::query})};
};

template <>
struct Schema<tunes::UpdatePlaylist::Request> {
  using R = tunes::UpdatePlaylist::Request;
  static constexpr std::string_view name = "UpdatePlaylist";
  static constexpr auto fields =
      std::tuple{field(&R::playlist_id, "playlist_id", "The playlist's id.", {.in = In::path}),
                 field(&R::playlist, "", "What changes.")};
};

template <>
struct Schema<tunes::ListEntries::Request> {
  using R = tunes::ListEntries::Request;
  static constexpr std::string_view name = "ListPlaylistTracks";
  static constexpr auto fields = std::tuple{
      field(&R::playlist_id, "playlist_id", "The playlist's id.", {.in = In::path}),
      field(&R::limit, "limit", "Tracks a page; 100 unless said otherwise.", {.in = In::query, .min = 1, .max = 100}),
      field(&R::after, "after", "Where the page before ended.", {.in = In::query})};
};

template <>
struct Schema<tunes::AddedView> {
  using V = tunes::AddedView;
  static constexpr std::string_view name = "AddedTracks";
  static constexpr auto fields =
      std::tuple{field(&V::snapshot_id, "snapshot_id", "Of the playlist now."), field(&V::added, "added", "Tracks."),
                 field(&V::skipped, "skipped", "That were in it already, or named twice.")};
};

template <>
struct Schema<tunes::AddEntries::Request> {
  using R = tunes::AddEntries::Request;
  static constexpr std::string_view name = "AddPlaylistTracks";
  static constexpr auto fields =
      std::tuple{field(&R::playlist_id, "playlist_id", "The playlist's id.", {.in = In::path}),
                 field(&R::track_ids, "track_ids", "In order.", {.min = 1, .max = 100}),
                 field(&R::position, "position",
                       "Where the first of them shall stand; at the end unless said otherwise.", {.min = 0})};
};

template <>
struct Schema<tunes::SnapshotView> {
  static constexpr std::string_view name = "Snapshot";
  static constexpr auto fields =
      std::tuple{field(&tunes::SnapshotView::snapshot_id, "snapshot_id", "Of the playlist now.")};
};

template <>
struct Schema<tunes::PutEntries::Request> {
  using R = tunes::PutEntries::Request;
  static constexpr std::string_view name = "PutPlaylistTracks";
  static constexpr auto fields =
      std::tuple{field(&R::playlist_id, "playlist_id", "The playlist's id.", {.in = In::path}),
                 field(&R::track_ids, "track_ids", "All its tracks from now on.", {.min = 0, .max = 20'000}),
                 field(&R::range_start, "range_start", "The first track that moves.", {.min = 0}),
                 field(&R::insert_before, "insert_before", "Where to; the number of tracks is the end.", {.min = 0}),
                 field(&R::range_length, "range_length", "How many move; 1 unless said otherwise.", {.min = 1}),
                 field(&R::snapshot_id, "snapshot_id", "What the playlist must still be.")};
};

template <>
struct Schema<tunes::ReorderEntry::Request> {
  using R = tunes::ReorderEntry::Request;
  static constexpr std::string_view name = "ReorderPlaylistTrack";
  static constexpr auto fields =
      std::tuple{field(&R::playlist_id, "playlist_id", "The playlist's id.", {.in = In::path}),
                 field(&R::track_id, "track_id", "Which one."),
                 field(&R::new_position, "new_position", "Where it shall stand afterwards.", {.min = 0})};
};

template <>
struct Schema<tunes::TakeOutEntries::Request> {
  using R = tunes::TakeOutEntries::Request;
  static constexpr std::string_view name = "RemovePlaylistTracks";
  static constexpr auto fields =
      std::tuple{field(&R::playlist_id, "playlist_id", "The playlist's id.", {.in = In::path}),
                 field(&R::track_ids, "track_ids", "Which.", {.min = 1, .max = 100}),
                 field(&R::snapshot_id, "snapshot_id", "What the playlist must still be.")};
};

template <>
struct Schema<tunes::TakeOutEntry::Request> {
  using R = tunes::TakeOutEntry::Request;
  static constexpr std::string_view name = "RemovePlaylistTrack";
  static constexpr auto fields =
      std::tuple{field(&R::playlist_id, "playlist_id", "The playlist's id.", {.in = In::path}),
                 field(&R::track_id, "track_id", "Which.", {.in = In::path})};
};

}  // namespace toll::json
