// Tracks: the owner's catalogue. Use cases run in the caller's transaction; another account's track answers like an
// absent one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "blob/store.h"
#include "library/track.h"
#include "objects/objects.h"
#include "objects/sweeper.h"
#include "probe/probe.h"
#include "sql/database.h"

namespace toll::library {

inline constexpr std::string_view audio_role = "track_audio";

// Which tracks of an account; every member that is set must hold.
struct TrackFilter {
  std::optional<std::string> artist;  // part of an artist's name, whatever its case
  std::optional<std::string> genre;   // exactly one of its genres
  std::optional<std::string> isrc;    // in any spelling
  std::optional<bool> has_audio;
};

struct TrackPage {
  std::vector<Track> tracks;
  std::int64_t total = 0;  // of the filter, on all pages
  std::optional<After> next;
};

struct Summary {
  std::int64_t tracks = 0, artists = 0, genres = 0;
};

// Bytes and what the probe measured of them. The bytes are staged, or those of an object that is there already.
struct NewAudio {
  std::shared_ptr<blob::Staged> staged;
  std::optional<objects::Object> received;
  probe::Recording recording;
};

// Thread-safe.
class Tracks {
 public:
  Tracks(const objects::Objects& objects, objects::Sweeper& sweeper, const Clock& clock, Random& random)
      : objects_(objects), sweeper_(sweeper), clock_(clock), random_(random) {}

  // Fields have passed the checks of rules.h. With audio, its duration wins. Faults: storage_full.
  Result<Track> create(sql::Tx& tx, AccountId account, const TrackFields& fields,
                       const std::optional<NewAudio>& audio = {}) const;

  // One prepared statement, one row. Faults, here and below: track_not_found.
  Result<Track> get(sql::Tx& tx, AccountId account, const TrackId& id) const;
  // Newest first, in a constant number of statements.
  TrackPage list(sql::Tx& tx, AccountId account, const TrackFilter& filter, std::size_t limit,
                 const std::optional<After>& after) const;
  // In the order of the ids; nullopt for those that are not there.
  std::vector<std::optional<Track>> find(sql::Tx& tx, AccountId account, std::span<const TrackId> ids) const;

  // `change` gets the fields as they are now. The duration of a track with audio stays what was measured.
  Result<Track> update(sql::Tx& tx, AccountId account, const TrackId& id,
                       const std::function<void(TrackFields&)>& change) const;
  // With its audio and its places in playlists.
  Result<void> remove(sql::Tx& tx, AccountId account, const TrackId& id) const;

  // Replaces the audio, if there is any. Faults: storage_full.
  Result<Track> set_audio(sql::Tx& tx, AccountId account, const TrackId& id, const NewAudio& audio) const;

  // What a download of the audio is called: "One More Time.flac".
  static std::string audio_file_name(const Track& track);

  Summary summary(sql::Tx& tx, AccountId account) const;
  // Everything in the library of an account that is being deleted, playlists included.
  void remove_account(sql::Tx& tx, AccountId account) const;

 private:
  Result<void> attach(sql::Tx& tx, AccountId account, const TrackId& id, const NewAudio& audio) const;
  void drop_audio(sql::Tx& tx, const TrackId& id) const;

  const objects::Objects& objects_;
  objects::Sweeper& sweeper_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace toll::library
