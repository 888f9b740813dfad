// The registry surface, put together: what serves it, and what happens in it by itself.
#pragma once

#include "config/settings.h"
#include "identity/registry_users.h"
#include "models/clockwork.h"
#include "models/key_space.h"
#include "models/serving.h"
#include "surfaces/registry/house.h"
#include "tollhouse/foundation.h"
#include "tollhouse/workshop.h"

namespace toll::app {

// Members may use what stands above them; the arguments outlive it.
struct Registry {
  identity::RegistryUsers users;
  models::Catalogue catalogue;
  models::Feed feed;
  models::AccessLog log;
  models::Publishing publishing;
  models::Grants grants;
  models::Uploads uploads;
  models::AccessRecorder recorder;
  models::RegistryKeys keys;
  models::ModelServing serving;
  registry::RowCache rows;
  registry::House house;
  models::Clockwork clockwork;

  Registry(Foundation& base, Workshop& workshop, const config::Settings& settings);
};

}  // namespace toll::app
