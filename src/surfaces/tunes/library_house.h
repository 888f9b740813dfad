// What the endpoints of tracks, playlists and search work with.
#pragma once

#include <cstdint>

#include "blob/store.h"
#include "library/audio_space.h"
#include "library/playlists.h"
#include "library/tracks.h"
#include "objects/signed_urls.h"
#include "probe/probe.h"

namespace toll::tunes {

// Everything here outlives the surface; wiring.cc owns it.
struct LibraryHouse {
  const library::Tracks& tracks;
  const library::Playlists& playlists;
  const library::AudioUploads& uploads;
  const objects::SignedUrls& urls;
  const blob::Store& store;
  probe::Prober& prober;
  std::uint64_t max_audio_bytes;
};

}  // namespace toll::tunes
