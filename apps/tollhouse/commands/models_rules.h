// The registry's rules over a house, for the commands that fill it.
#pragma once

#include "base/random.h"
#include "models/access_log.h"
#include "models/catalogue.h"
#include "models/feed.h"
#include "models/publishing.h"
#include "models/snapshots.h"
#include "objects/objects.h"
#include "objects/slots.h"
#include "tollhouse/house.h"

namespace toll::app {

// Lives no longer than the house.
struct Rules {
  explicit Rules(const House& house) : clock(house.clock) {}
  Rules(const Rules&) = delete;

  const Clock& clock;
  SystemRandom random;
  const objects::Objects objects{clock, random};
  const objects::Slots slots{objects, clock, random};
  const models::Catalogue catalogue{clock};
  const models::Feed feed{clock};
  const models::AccessLog log{clock};
  const models::Snapshots snapshots{clock, catalogue, feed, objects};
  const models::Publishing publishing{clock, catalogue, feed, log, objects, slots};
  const models::Viewer everything = models::Viewer::the_operator();
  const models::Trace trace{
      .actor = identity::operator_actor(), .key = {}, .remote = {}, .user_agent = {}, .request_id = {}};
};

}  // namespace toll::app
