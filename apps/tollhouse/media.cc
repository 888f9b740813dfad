#include "tollhouse/media.h"

namespace toll::app {

Media::Media(Foundation& base, Workshop& workshop, const config::Settings& settings)
    : access(base.clock, base.random, base.client_keys, settings.media.access_approval),
      space(workshop.media_records),
      house{*base.db,
            base.clock,
            *workshop.store,
            base.client_keys,
            base.ledger,
            workshop.media_records,
            workshop.media_models,
            access,
            workshop.urls,
            workshop.bells,
            waits,
            [&workshop] { return workshop.short_runner(); },
            settings.server.public_url,
            settings.media.upload_time,
            settings.media.link_time,
            static_cast<std::uint64_t>(settings.media.max_video_bytes),
            static_cast<std::uint64_t>(settings.media.max_image_bytes)} {
  workshop.key_spaces.add(space);
}

}  // namespace toll::app
