// The registry of models, put together: what serves it, and what happens in it by itself.
#pragma once

#include "base/random.h"
#include "config/settings.h"
#include "identity/registry_users.h"
#include "models/clockwork.h"
#include "models/key_space.h"
#include "models/serving.h"
#include "objects/objects.h"
#include "objects/signed_urls.h"
#include "surfaces/registry/house.h"

namespace toll::app {

// What it is built on; everything outlives it.
struct RegistryGround {
  sql::Database& db;
  const Clock& clock;
  Random& random;
  const identity::Keys& keys;
  const metering::Ledger& ledger;
  blob::Store& store;
  const objects::Objects& objects;
  const objects::Slots& slots;
  const objects::SignedUrls& urls;
  objects::KeySpaces& key_spaces;
};

// Members may use what stands above them.
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

  Registry(const RegistryGround& ground, const config::Settings& settings);
};

}  // namespace toll::app
