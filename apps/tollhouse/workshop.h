// Files, the queue, and those who work on it.
#pragma once

#include <memory>

#include "async/bells.h"
#include "blob/store.h"
#include "config/settings.h"
#include "engine/host.h"
#include "jobs/dispatcher.h"
#include "jobs/queue.h"
#include "media/kind.h"
#include "media/models.h"
#include "media/records.h"
#include "objects/key_space.h"
#include "objects/objects.h"
#include "objects/signed_urls.h"
#include "objects/slots.h"
#include "objects/sweeper.h"
#include "separations/run.h"
#include "separations/separations.h"
#include "tollhouse/foundation.h"

namespace toll::app {

// Members may use what stands above them; `foundation` outlives it.
struct Workshop {
  Foundation& base;
  std::unique_ptr<blob::Store> store;
  objects::Objects objects;
  objects::Sweeper sweeper;
  objects::Slots slots;
  objects::SignedUrls urls;
  objects::KeySpaces key_spaces;
  jobs::Queue queue;
  separations::Separations separations;
  separations::SeparationKind kind, part_kind;
  async::Bells bells;
  media::Models media_models;
  media::Records media_records;
  media::AnalysisKind media_kind;
  engine::Limits limits;

  Workshop(Foundation& foundation, const config::Settings& settings);

  // In worker processes of this program.
  std::unique_ptr<engine::Runner> runner() const;
  // For runs of a minute at most.
  std::unique_ptr<engine::Runner> short_runner() const;
  std::unique_ptr<jobs::Dispatcher> dispatch(const config::Settings& settings);
};

}  // namespace toll::app
