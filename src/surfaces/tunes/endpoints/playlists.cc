#include "surfaces/tunes/endpoints/playlists.h"

#include "base/text.h"

namespace toll::tunes {

namespace {

constexpr std::int64_t playlists_a_page = 20, entries_a_page = 100;

std::vector<library::TrackId> ids_of(const std::vector<Uuid>& uuids) {
  std::vector<library::TrackId> out;
  out.reserve(uuids.size());
  for (const auto& uuid : uuids) out.emplace_back(uuid.value);
  return out;
}

// Scheme and host as the client used them, and the place that the request's own path began with.
std::string base_of(const api::Call<House>& call) {
  auto address = href_of(call.request, call.house.public_url);
  address.resize(address.size() - call.request.target.size());
  if (call.request.path.starts_with("/api/v1/")) address += "/api/v1";
  return address;
}

std::string tracks_address(const api::Call<House>& call, const library::PlaylistId& id) {
  return base_of(call) + "/playlists/" + id.value() + "/tracks";
}

std::vector<EntryView> entry_views(std::vector<library::Entry> entries) {
  std::vector<EntryView> out;
  out.reserve(entries.size());
  for (auto& entry : entries) out.push_back({entry.position, {entry.added_at}, view(std::move(entry.track))});
  return out;
}

std::optional<Cursor<1>> next_entry(const library::EntryPage& page) {
  if (!page.next) return std::nullopt;
  return Cursor<1>{{page.next->position}, page.next->track};
}

// The first page of tracks inside of a playlist: its addresses are those of the list of tracks.
Page<EntryView> first_entries(const api::Call<House>& call, const library::PlaylistId& id, library::EntryPage entries) {
  Page<EntryView> out{tracks_address(call, id), {}, entries_a_page, {}, {}, entries.total};
  if (const auto next = next_entry(entries)) {
    out.cursors.after = cursor_text(next->numbers, next->id);
    out.next = out.href + "?limit=" + std::to_string(entries_a_page) + "&after=" + *out.cursors.after;
  }
  out.items = entry_views(std::move(entries.entries));
  return out;
}

// What both shapes have in common.
template <class View>
View filled(library::Playlist&& p) {
  View out;
  out.id = p.id.value();
  out.type = "playlist";
  out.name = std::move(p.fields.name);
  out.description = std::move(p.fields.description);
  out.is_public = p.fields.is_public;
  out.images = image_views(std::move(p.fields.images));
  out.snapshot_id = std::move(p.snapshot_id);
  out.metadata = {std::move(p.fields.metadata)};
  out.created_at = {p.created_at};
  out.updated_at = {p.updated_at};
  return out;
}

Result<FullPlaylist> full(api::Call<House>& call, Result<library::Playlist> playlist) {
  if (!playlist) return std::move(playlist).error();
  const auto id = playlist->id;
  auto entries = call.house.library.playlists.entries(call.tx(), call.account(), id, entries_a_page, {});
  if (!entries) return std::move(entries).error();
  auto out = filled<FullPlaylist>(std::move(*playlist));
  out.tracks = first_entries(call, id, std::move(*entries));
  return out;
}

Result<SnapshotView> snapshot(Result<std::string> id) {
  if (!id) return std::move(id).error();
  return SnapshotView{std::move(*id)};
}

library::PlaylistId playlist_id(const Uuid& id) {
  return library::PlaylistId(id.value);
}

}  // namespace

PlaylistView view(const api::Call<House>& call, library::Playlist playlist) {
  const TracksLink link{tracks_address(call, playlist.id), playlist.total};
  auto out = filled<PlaylistView>(std::move(playlist));
  out.tracks = link;
  return out;
}

void CreatePlaylist::check(const Call&, const Request& in, api::Checks& checks) {
  if (!in.playlist.name) checks.refuse("name", json::Value(nullptr), "is required", Problem::missing);
}

Result<FullPlaylist> CreatePlaylist::handle(Call& call, const Request& in) {
  library::PlaylistFields fields;
  in.playlist.apply_to(fields);
  std::vector<library::TrackId> tracks;
  if (in.playlist.track_ids)
    for (const auto& id : *in.playlist.track_ids) tracks.emplace_back(id);
  auto made = call.house.library.playlists.create(call.tx(), call.account(), fields, tracks);
  if (made) call.reply.set("Location", "/playlists/" + made->id.value());
  return full(call, std::move(made));
}

Result<Page<PlaylistView>> ListPlaylists::handle(Call& call, const Request& in) {
  const auto limit = in.limit.value_or(playlists_a_page);
  std::optional<library::After> after;
  if (in.after) after = library::After{from_micros(in.after->numbers[0]), in.after->id};
  auto found = call.house.library.playlists.list(call.tx(), call.account(), in.is_public,
                                                 static_cast<std::size_t>(limit), after);
  std::vector<PlaylistView> items;
  for (auto& playlist : found.playlists) items.push_back(view(call, std::move(playlist)));
  std::optional<Cursor<1>> next;
  if (found.next) next = Cursor<1>{{to_micros(found.next->created_at)}, found.next->id};
  return page(call, std::move(items), limit, found.total, next);
}

Result<FullPlaylist> GetPlaylist::handle(Call& call, const Request& in) {
  return full(call, call.house.library.playlists.get(call.tx(), call.account(), playlist_id(in.playlist_id)));
}

Result<FullPlaylist> UpdatePlaylist::handle(Call& call, const Request& in) {
  return full(call, call.house.library.playlists.update(
                        call.tx(), call.account(), playlist_id(in.playlist_id),
                        [&](library::PlaylistFields& fields) { in.playlist.apply_to(fields); }));
}

Result<http::Response> DeletePlaylist::handle(Call& call, const Request& in) {
  auto gone = call.house.library.playlists.remove(call.tx(), call.account(), playlist_id(in.playlist_id));
  if (!gone) return std::move(gone).error();
  http::Response response;
  response.status = 204;
  return response;
}

Result<Page<EntryView>> ListEntries::handle(Call& call, const Request& in) {
  const auto limit = in.limit.value_or(entries_a_page);
  std::optional<library::AfterEntry> after;
  if (in.after) after = library::AfterEntry{in.after->numbers[0], in.after->id};
  auto found = call.house.library.playlists.entries(call.tx(), call.account(), playlist_id(in.playlist_id),
                                                    static_cast<std::size_t>(limit), after);
  if (!found) return std::move(found).error();
  const auto next = next_entry(*found);
  return page(call, entry_views(std::move(found->entries)), limit, found->total, next);
}

Result<AddedView> AddEntries::handle(Call& call, const Request& in) {
  auto added = call.house.library.playlists.add(call.tx(), call.account(), playlist_id(in.playlist_id),
                                                ids_of(in.track_ids), in.position);
  if (!added) return std::move(added).error();
  return AddedView{std::move(added->snapshot_id), added->added, added->skipped};
}

void PutEntries::check(const Call&, const Request& in, api::Checks& checks) {
  const bool moves = in.range_start || in.insert_before || in.range_length;
  if (in.track_ids && moves)
    checks.refuse("track_ids", json::Value(nullptr), "replaces all tracks; leave out the range, or the tracks");
  if (in.track_ids) return;
  if (!in.range_start) checks.refuse("range_start", json::Value(nullptr), "is required", Problem::missing);
  if (!in.insert_before) checks.refuse("insert_before", json::Value(nullptr), "is required", Problem::missing);
}

Result<SnapshotView> PutEntries::handle(Call& call, const Request& in) {
  const auto& playlists = call.house.library.playlists;
  const auto id = playlist_id(in.playlist_id);
  if (in.track_ids)
    return snapshot(playlists.replace(call.tx(), call.account(), id, ids_of(*in.track_ids), in.snapshot_id));
  return snapshot(playlists.move(call.tx(), call.account(), id,
                                 {*in.range_start, *in.insert_before, in.range_length.value_or(1)}, in.snapshot_id));
}

Result<SnapshotView> ReorderEntry::handle(Call& call, const Request& in) {
  return snapshot(call.house.library.playlists.move_track(call.tx(), call.account(), playlist_id(in.playlist_id),
                                                          library::TrackId(in.track_id.value), in.new_position));
}

Result<SnapshotView> TakeOutEntries::handle(Call& call, const Request& in) {
  return snapshot(call.house.library.playlists.take_out(call.tx(), call.account(), playlist_id(in.playlist_id),
                                                        ids_of(in.track_ids), in.snapshot_id));
}

Result<SnapshotView> TakeOutEntry::handle(Call& call, const Request& in) {
  return snapshot(call.house.library.playlists.take_out_one(call.tx(), call.account(), playlist_id(in.playlist_id),
                                                            library::TrackId(in.track_id.value)));
}

}  // namespace toll::tunes
