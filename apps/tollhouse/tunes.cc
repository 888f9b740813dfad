#include "tollhouse/tunes.h"

namespace toll::app {

Tunes::Tunes(Foundation& base, Workshop& workshop, probe::Prober& prober, const config::Settings& settings)
    : tracks(workshop.objects, workshop.sweeper, base.clock, base.random),
      playlists(base.clock, base.random),
      audio_uploads(tracks, workshop.slots),
      audio_space(tracks),
      library{tracks,
              playlists,
              audio_uploads,
              workshop.urls,
              *workshop.store,
              prober,
              static_cast<std::uint64_t>(settings.tunes.max_audio_bytes)},
      house{*base.db,   base.account_service, base.accounts, base.tunes_keys,
            base.clock, base.random,          library,       settings.server.public_url} {
  workshop.key_spaces.add(audio_space);
  base.leaving.push_back([this](sql::Tx& tx, AccountId account) { tracks.remove_account(tx, account); });
}

}  // namespace toll::app
