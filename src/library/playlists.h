// Playlists: ordered lists of an account's tracks, each track at most once, positions always 0 to n - 1. Use cases run
// in the caller's transaction; another account's playlist answers like an absent one.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "library/track.h"
#include "sql/database.h"

namespace toll::library {

struct PlaylistFields {
  std::string name;
  std::optional<std::string> description;
  bool is_public = false;           // a flag of the owner's; it opens nothing to others
  std::vector<std::string> images;  // URLs
  std::string metadata = "{}";      // the text of a JSON object
};

struct Playlist {
  PlaylistId id;
  PlaylistFields fields;
  std::string snapshot_id;  // another one whenever its tracks changed
  std::int64_t total = 0;   // tracks
  Time created_at, updated_at;
};

struct PlaylistPage {
  std::vector<Playlist> playlists;
  std::int64_t total = 0;
  std::optional<After> next;
};

struct Entry {
  std::int64_t position = 0;
  Time added_at;
  Track track;
};

// Where a list of entries goes on: after this track, wherever it stands by then; after this position if it has gone.
struct AfterEntry {
  std::int64_t position = 0;
  std::string track;
};

struct EntryPage {
  std::vector<Entry> entries;
  std::int64_t total = 0;
  std::optional<AfterEntry> next;
};

struct Added {
  std::string snapshot_id;
  std::int64_t added = 0, skipped = 0;
};

// A block of tracks moves to stand before the track at insert_before, counted before the move; the number of tracks is
// the end.
struct Move {
  std::int64_t range_start = 0;
  std::int64_t insert_before = 0;
  std::int64_t range_length = 1;
};

// Thread-safe.
class Playlists {
 public:
  Playlists(const Clock& clock, Random& random) : clock_(clock), random_(random) {}

  // Repeated ids count once. Faults: track_not_found, and nothing is made.
  Result<Playlist> create(sql::Tx& tx, AccountId account, const PlaylistFields& fields,
                          std::span<const TrackId> tracks) const;

  // Faults, here and below: playlist_not_found.
  Result<Playlist> get(sql::Tx& tx, AccountId account, const PlaylistId& id) const;
  // Newest first.
  PlaylistPage list(sql::Tx& tx, AccountId account, std::optional<bool> is_public, std::size_t limit,
                    const std::optional<After>& after) const;
  Result<EntryPage> entries(sql::Tx& tx, AccountId account, const PlaylistId& id, std::size_t limit,
                            const std::optional<AfterEntry>& after) const;

  Result<Playlist> update(sql::Tx& tx, AccountId account, const PlaylistId& id,
                          const std::function<void(PlaylistFields&)>& change) const;
  Result<void> remove(sql::Tx& tx, AccountId account, const PlaylistId& id) const;

  // At `position`, or at the end. A track that is in it already is skipped. Faults: track_not_found (nothing is added),
  // playlist_full {limit}, invalid_request (a position beyond the end).
  Result<Added> add(sql::Tx& tx, AccountId account, const PlaylistId& id, std::span<const TrackId> tracks,
                    std::optional<std::int64_t> position) const;
  // These tracks in this order and no others. Faults: track_not_found, playlist_full {limit}, snapshot_outdated.
  Result<std::string> replace(sql::Tx& tx, AccountId account, const PlaylistId& id, std::span<const TrackId> tracks,
                              const std::optional<std::string>& snapshot) const;
  // Faults: snapshot_outdated, invalid_request (a range beyond the end).
  Result<std::string> move(sql::Tx& tx, AccountId account, const PlaylistId& id, const Move& move,
                           const std::optional<std::string>& snapshot) const;
  // One track to where it shall stand afterwards. Faults: track_not_found (not in it), invalid_request.
  Result<std::string> move_track(sql::Tx& tx, AccountId account, const PlaylistId& id, const TrackId& track,
                                 std::int64_t position) const;
  // Tracks that are not in it are no fault. Faults: snapshot_outdated.
  Result<std::string> take_out(sql::Tx& tx, AccountId account, const PlaylistId& id, std::span<const TrackId> tracks,
                               const std::optional<std::string>& snapshot) const;
  // Faults: track_not_found (not in it).
  Result<std::string> take_out_one(sql::Tx& tx, AccountId account, const PlaylistId& id, const TrackId& track) const;

 private:
  const Clock& clock_;
  Random& random_;
};

}  // namespace toll::library
