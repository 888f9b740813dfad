// The media surface, put together: access, the keys of its objects, what its endpoints use.
#pragma once

#include "config/settings.h"
#include "media/access.h"
#include "media/space.h"
#include "surfaces/media/house.h"
#include "tollhouse/foundation.h"
#include "tollhouse/workshop.h"

namespace toll::app {

// Members may use what stands above them; the arguments outlive it.
struct Media {
  media::Access access;
  media::MediaSpace space;
  media_api::Waits waits;
  media_api::House house;

  Media(Foundation& base, Workshop& workshop, const config::Settings& settings);
};

}  // namespace toll::app
