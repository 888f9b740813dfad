// The library's part of the object store's keys: "tracks/<track id>/<file name>". Reading leads to a track's audio;
// writing to a slot that its owner completes.
#pragma once

#include "library/tracks.h"
#include "objects/key_space.h"
#include "objects/slots.h"

namespace toll::library {

inline constexpr std::string_view audio_space_prefix = "tracks/";

// Where a download of the audio stands. The file name is for the reader's eye alone.
std::string audio_key(const Track& track);

// A place for bytes that come past the API, until they become a track's audio. Thread-safe; use cases run in the
// caller's transaction.
class AudioUploads {
 public:
  AudioUploads(const Tracks& tracks, const objects::Slots& slots) : tracks_(tracks), slots_(slots) {}

  struct Wanted {
    std::uint64_t size = 0;
    std::optional<Sha256> digest;
    Time expires_at;
  };
  // Faults, here and below: track_not_found.
  Result<objects::Slot> open(sql::Tx& tx, AccountId account, const TrackId& track, const Wanted& wanted) const;
  // What has arrived. Faults: upload_not_found (of another track, or completed already), upload_incomplete.
  Result<objects::Object> received(sql::Tx& tx, AccountId account, const TrackId& track,
                                   const objects::SlotId& upload) const;
  // Measured bytes become the track's audio. Faults as received(); upload_incomplete also if others came meanwhile.
  Result<Track> complete(sql::Tx& tx, AccountId account, const TrackId& track, const objects::SlotId& upload,
                         const NewAudio& audio) const;

 private:
  const Tracks& tracks_;
  const objects::Slots& slots_;
};

// Thread-safe.
class AudioSpace final : public objects::KeySpace {
 public:
  explicit AudioSpace(const Tracks& tracks) : tracks_(tracks) {}
  std::string_view prefix() const override { return audio_space_prefix; }
  Result<objects::Readable> find(sql::Tx& tx, std::string_view key, const objects::Bearer& bearer) const override;
  // The owner completes the upload; until then the bytes wait in their slot.
  Result<void> landed(sql::Tx&, const objects::Slot&, const objects::Object&) override { return {}; }
  void served(const objects::Serving&) override {}

 private:
  const Tracks& tracks_;
};

}  // namespace toll::library
