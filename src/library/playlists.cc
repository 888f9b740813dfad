#include "library/playlists.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "library/index.h"
#include "library/rows.h"
#include "library/rules.h"

namespace toll::library {

namespace {

// A playlist that is being changed: its row is locked where writers run side by side.
struct Held {
  std::int64_t sequence = 0;
  std::string snapshot_id;
  std::int64_t total = 0;
};

Result<Held> hold(sql::Tx& tx, AccountId account, const PlaylistId& id) {
  const auto row = tx.one(
      "SELECT sequence, snapshot_id, total FROM playlists WHERE id = $1 AND account_id = $2" + for_update(tx.engine()),
      id, account);
  if (!row) return Reason::playlist_not_found;
  return Held{row->integer(0), row->text(1), row->integer(2)};
}

Result<void> expect_snapshot(const Held& held, const std::optional<std::string>& snapshot) {
  if (snapshot && *snapshot != held.snapshot_id) return Reason::snapshot_outdated;
  return {};
}

Fault out_of_range(std::string member, std::string why, std::int64_t value) {
  FieldProblem problem{Place::body, {std::move(member)}, Problem::rejected, std::move(why), std::to_string(value)};
  return Fault(Reason::invalid_request).at({std::move(problem)});
}

Fault full() {
  return Fault(Reason::playlist_full).with("limit", std::to_string(max_playlist_tracks));
}

// The rows of these tracks, in order, each once. Where writers run side by side nobody can delete them until the end.
Result<std::vector<std::int64_t>> sequences_of(sql::Tx& tx, AccountId account, std::span<const TrackId> tracks) {
  if (tracks.empty()) return std::vector<std::int64_t>();
  std::vector<std::string> ids;
  std::unordered_set<std::string> seen;
  for (const auto& track : tracks)
    if (seen.insert(track.value()).second) ids.push_back(track.value());
  const auto rows = tx.query(
      "SELECT t.id, t.sequence FROM tracks t WHERE t.account_id = $1 AND t.id IN (SELECT e.value "
      "FROM " +
          elements(tx.engine(), "$2") + ")" + (tx.engine() == sql::Engine::postgres ? " FOR KEY SHARE" : ""),
      account, as_list(tx.engine(), ids));
  if (rows.size() < ids.size()) return Reason::track_not_found;
  std::unordered_map<std::string, std::int64_t> known;
  for (const auto& row : rows) known.emplace(row.text(0), row.integer(1));
  std::vector<std::int64_t> out;
  for (const auto& id : ids) out.push_back(known.at(id));
  return out;
}

// Places `tracks` from `position` on. Nothing may stand there.
void place(sql::Tx& tx, const Held& held, const std::vector<std::int64_t>& tracks, std::int64_t position, Time now) {
  if (tracks.empty()) return;
  tx.exec(
      "INSERT INTO playlist_entries (playlist, track, position, added_at) SELECT $1, CAST(e.value AS BIGINT), $2 + "
      "e.at, $3 FROM " +
          elements(tx.engine(), "$4"),
      held.sequence, position, now, as_list(tx.engine(), tracks));
}

// Closes the gaps that taken-out tracks left.
void close_gaps(sql::Tx& tx, const Held& held) {
  tx.exec(
      "UPDATE playlist_entries SET position = n.position FROM (SELECT track, row_number() OVER (ORDER BY position) - 1 "
      "AS position FROM playlist_entries WHERE playlist = $1) n WHERE playlist_entries.playlist = $1 AND "
      "playlist_entries.track = n.track AND playlist_entries.position <> n.position",
      held.sequence);
}

std::string changed(sql::Tx& tx, const Held& held, std::int64_t total, std::string snapshot, Time now) {
  tx.exec("UPDATE playlists SET total = $2, snapshot_id = $3, updated_at = $4 WHERE sequence = $1", held.sequence,
          total, snapshot, now);
  return snapshot;
}

// Entries [start, start + length) move before `before`, counted before the move.
void shift_block(sql::Tx& tx, const Held& held, std::int64_t start, std::int64_t length, std::int64_t before) {
  const bool down = before > start;
  const auto from = std::min(start, before), to = std::max(start + length, before);
  const auto block_by = down ? before - start - length : before - start;
  const auto others_by = down ? -length : length;
  tx.exec(
      "UPDATE playlist_entries SET position = position + CASE WHEN position >= $2 AND position < $3 THEN CAST($4 AS "
      "BIGINT) ELSE CAST($5 AS BIGINT) END WHERE playlist = $1 AND position >= $6 AND position < $7",
      held.sequence, start, start + length, block_by, others_by, from, to);
}

std::optional<std::int64_t> position_of(sql::Tx& tx, const Held& held, AccountId account, const TrackId& track) {
  const auto row = tx.one(
      "SELECT e.position FROM playlist_entries e JOIN tracks t ON t.sequence = e.track WHERE e.playlist = $1 AND t.id "
      "= "
      "$2 AND t.account_id = $3",
      held.sequence, track, account);
  if (!row) return std::nullopt;
  return row->integer(0);
}

}  // namespace

Result<Playlist> Playlists::create(sql::Tx& tx, AccountId account, const PlaylistFields& fields,
                                   std::span<const TrackId> tracks) const {
  const auto sequences = sequences_of(tx, account, tracks);
  if (!sequences) return sequences.error();
  if (sequences->size() > max_playlist_tracks) return full();
  const PlaylistId id(random_.uuid4());
  const auto now = clock_.now();
  const auto row = tx.one(
      "INSERT INTO playlists (id, account_id, name, description, is_public, images, metadata, snapshot_id, total, "
      "created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) RETURNING sequence",
      id, account, fields.name, fields.description, fields.is_public, packed(fields.images), fields.metadata,
      random_.uuid4(), sequences->size(), now);
  place(tx, {row->integer(0), {}, 0}, *sequences, 0, now);
  index_playlist(tx, account, row->integer(0), fields);
  return get(tx, account, id);
}

Result<Playlist> Playlists::get(sql::Tx& tx, AccountId account, const PlaylistId& id) const {
  const auto row =
      tx.one("SELECT " + std::string(playlist_columns) + " FROM playlists p WHERE p.id = $1 AND p.account_id = $2", id,
             account);
  if (!row) return Reason::playlist_not_found;
  return read_playlist(*row);
}

PlaylistPage Playlists::list(sql::Tx& tx, AccountId account, std::optional<bool> is_public, std::size_t limit,
                             const std::optional<After>& after) const {
  std::vector<sql::Value> values{account};
  auto place = [&](sql::Value value) {
    values.push_back(value);
    return "$" + std::to_string(values.size());
  };
  std::string where = "p.account_id = $1";
  if (is_public) where += " AND p.is_public = " + place(*is_public);
  PlaylistPage page;
  page.total = tx.query_with("SELECT count(*) FROM playlists p WHERE " + where, values).front().integer(0);
  if (after) {
    const auto time = place(after->created_at), id = place(after->id);
    where += " AND (p.created_at, p.id) < (" + time + ", " + id + ")";
  }
  const auto sql = "SELECT " + std::string(playlist_columns) + " FROM playlists p WHERE " + where +
                   " ORDER BY p.created_at DESC, p.id DESC LIMIT " + place(limit + 1);
  for (const auto& row : tx.query_with(sql, values)) {
    if (page.playlists.size() == limit) {
      page.next = After{page.playlists.back().created_at, page.playlists.back().id.value()};
      break;
    }
    page.playlists.push_back(read_playlist(row));
  }
  return page;
}

Result<EntryPage> Playlists::entries(sql::Tx& tx, AccountId account, const PlaylistId& id, std::size_t limit,
                                     const std::optional<AfterEntry>& after) const {
  const auto found = tx.one("SELECT sequence, total FROM playlists WHERE id = $1 AND account_id = $2", id, account);
  if (!found) return Reason::playlist_not_found;
  const Held held{found->integer(0), {}, found->integer(1)};
  std::int64_t from = 0;
  if (after) {
    const auto stands = position_of(tx, held, account, TrackId(after->track));
    from = stands ? *stands + 1 : after->position;
  }
  EntryPage page;
  page.total = held.total;
  const auto rows = tx.query("SELECT e.position, e.added_at, " + std::string(track_columns) +
                                 " FROM playlist_entries e JOIN tracks t ON t.sequence = e.track WHERE e.playlist = $1 "
                                 "AND e.position >= $2 ORDER BY e.position LIMIT $3",
                             held.sequence, from, limit + 1);
  for (const auto& row : rows) {
    if (page.entries.size() == limit) {
      page.next = AfterEntry{page.entries.back().position, page.entries.back().track.id.value()};
      break;
    }
    page.entries.push_back({row.integer(0), row.time(1), read_track(row, 2)});
  }
  return page;
}

Result<Playlist> Playlists::update(sql::Tx& tx, AccountId account, const PlaylistId& id,
                                   const std::function<void(PlaylistFields&)>& change) const {
  const auto held = hold(tx, account, id);
  if (!held) return held.error();
  auto fields = get(tx, account, id).value().fields;
  change(fields);
  tx.exec(
      "UPDATE playlists SET name = $2, description = $3, is_public = $4, images = $5, metadata = $6, updated_at = $7 "
      "WHERE sequence = $1",
      held->sequence, fields.name, fields.description, fields.is_public, packed(fields.images), fields.metadata,
      clock_.now());
  index_playlist(tx, account, held->sequence, fields);
  return get(tx, account, id);
}

Result<void> Playlists::remove(sql::Tx& tx, AccountId account, const PlaylistId& id) const {
  const auto held = hold(tx, account, id);
  if (!held) return held.error();
  drop_playlist_from_index(tx, held->sequence);
  tx.exec("DELETE FROM playlists WHERE sequence = $1", held->sequence);
  return {};
}

Result<Added> Playlists::add(sql::Tx& tx, AccountId account, const PlaylistId& id, std::span<const TrackId> tracks,
                             std::optional<std::int64_t> position) const {
  const auto held = hold(tx, account, id);
  if (!held) return held.error();
  if (position && (*position < 0 || *position > held->total))
    return out_of_range("position", "must be 0 to " + std::to_string(held->total), *position);
  auto wanted = sequences_of(tx, account, tracks);
  if (!wanted) return wanted.error();
  std::unordered_set<std::int64_t> there;
  for (const auto& row : tx.query(
           "SELECT track FROM playlist_entries WHERE playlist = $1 AND track IN (SELECT CAST(e.value AS BIGINT) FROM " +
               elements(tx.engine(), "$2") + ")",
           held->sequence, as_list(tx.engine(), *wanted)))
    there.insert(row.integer(0));
  std::erase_if(*wanted, [&](std::int64_t track) { return there.contains(track); });
  const auto added = static_cast<std::int64_t>(wanted->size());
  const auto skipped = static_cast<std::int64_t>(tracks.size()) - added;
  if (added == 0) return Added{held->snapshot_id, 0, skipped};
  if (held->total + added > static_cast<std::int64_t>(max_playlist_tracks)) return full();
  const auto at = position.value_or(held->total);
  if (at < held->total)
    tx.exec("UPDATE playlist_entries SET position = position + $3 WHERE playlist = $1 AND position >= $2",
            held->sequence, at, added);
  place(tx, *held, *wanted, at, clock_.now());
  return Added{changed(tx, *held, held->total + added, random_.uuid4(), clock_.now()), added, skipped};
}

Result<std::string> Playlists::replace(sql::Tx& tx, AccountId account, const PlaylistId& id,
                                       std::span<const TrackId> tracks,
                                       const std::optional<std::string>& snapshot) const {
  const auto held = hold(tx, account, id);
  if (!held) return held.error();
  if (auto same = expect_snapshot(*held, snapshot); !same) return std::move(same).error();
  const auto wanted = sequences_of(tx, account, tracks);
  if (!wanted) return wanted.error();
  if (wanted->size() > max_playlist_tracks) return full();
  const auto list = as_list(tx.engine(), *wanted);
  const auto now = clock_.now();
  // Those that stay keep the time they were added at.
  tx.exec("DELETE FROM playlist_entries WHERE playlist = $1 AND track NOT IN (SELECT CAST(e.value AS BIGINT) FROM " +
              elements(tx.engine(), "$2") + ")",
          held->sequence, list);
  if (!wanted->empty())
    tx.exec(
        "INSERT INTO playlist_entries (playlist, track, position, added_at) SELECT $1, CAST(e.value AS BIGINT), e.at, "
        "$2 "
        "FROM " +
            elements(tx.engine(), "$3") +
            " WHERE true ON CONFLICT (playlist, track) DO UPDATE SET position = excluded.position",
        held->sequence, now, list);
  return changed(tx, *held, static_cast<std::int64_t>(wanted->size()), random_.uuid4(), now);
}

Result<std::string> Playlists::move(sql::Tx& tx, AccountId account, const PlaylistId& id, const Move& move,
                                    const std::optional<std::string>& snapshot) const {
  const auto held = hold(tx, account, id);
  if (!held) return held.error();
  if (auto same = expect_snapshot(*held, snapshot); !same) return std::move(same).error();
  if (move.range_start < 0 || move.range_start >= held->total)
    return out_of_range("range_start", "must be a position in the playlist", move.range_start);
  if (move.range_length < 1 || move.range_length > held->total - move.range_start)
    return out_of_range("range_length", "must end in the playlist", move.range_length);
  if (move.insert_before < 0 || move.insert_before > held->total)
    return out_of_range("insert_before", "must be 0 to " + std::to_string(held->total), move.insert_before);
  // Inside of the block itself nothing moves.
  if (move.insert_before >= move.range_start && move.insert_before <= move.range_start + move.range_length)
    return held->snapshot_id;
  shift_block(tx, *held, move.range_start, move.range_length, move.insert_before);
  return changed(tx, *held, held->total, random_.uuid4(), clock_.now());
}

Result<std::string> Playlists::move_track(sql::Tx& tx, AccountId account, const PlaylistId& id, const TrackId& track,
                                          std::int64_t position) const {
  const auto held = hold(tx, account, id);
  if (!held) return held.error();
  const auto stands = position_of(tx, *held, account, track);
  if (!stands) return Reason::track_not_found;
  if (position < 0 || position >= held->total)
    return out_of_range("new_position", "must be a position in the playlist", position);
  if (position == *stands) return held->snapshot_id;
  shift_block(tx, *held, *stands, 1, position > *stands ? position + 1 : position);
  return changed(tx, *held, held->total, random_.uuid4(), clock_.now());
}

Result<std::string> Playlists::take_out(sql::Tx& tx, AccountId account, const PlaylistId& id,
                                        std::span<const TrackId> tracks,
                                        const std::optional<std::string>& snapshot) const {
  const auto held = hold(tx, account, id);
  if (!held) return held.error();
  if (auto same = expect_snapshot(*held, snapshot); !same) return std::move(same).error();
  std::vector<std::string> ids;
  for (const auto& track : tracks) ids.push_back(track.value());
  const auto gone = tx.exec(
      "DELETE FROM playlist_entries WHERE playlist = $1 AND track IN (SELECT t.sequence FROM tracks t WHERE "
      "t.account_id "
      "= $2 AND t.id IN (SELECT e.value FROM " +
          elements(tx.engine(), "$3") + "))",
      held->sequence, account, as_list(tx.engine(), ids));
  if (gone == 0) return held->snapshot_id;
  close_gaps(tx, *held);
  return changed(tx, *held, held->total - gone, random_.uuid4(), clock_.now());
}

Result<std::string> Playlists::take_out_one(sql::Tx& tx, AccountId account, const PlaylistId& id,
                                            const TrackId& track) const {
  const auto held = hold(tx, account, id);
  if (!held) return held.error();
  if (!position_of(tx, *held, account, track)) return Reason::track_not_found;
  return take_out(tx, account, id, std::span(&track, 1), std::nullopt);
}

}  // namespace toll::library
