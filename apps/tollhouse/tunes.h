// The tunes surface, put together: the library of tracks and playlists.
#pragma once

#include "library/audio_space.h"
#include "library/playlists.h"
#include "library/tracks.h"
#include "probe/probe.h"
#include "surfaces/tunes/house.h"
#include "tollhouse/foundation.h"
#include "tollhouse/workshop.h"

namespace toll::app {

// Members may use what stands above them; the arguments outlive it.
struct Tunes {
  library::Tracks tracks;
  library::Playlists playlists;
  library::AudioUploads audio_uploads;
  library::AudioSpace audio_space;
  tunes::LibraryHouse library;
  tunes::House house;

  Tunes(Foundation& base, Workshop& workshop, probe::Prober& prober, const config::Settings& settings);
};

}  // namespace toll::app
