#include "tollhouse/registry.h"

namespace toll::app {

namespace {

identity::RegistryUsers::Options user_options(const config::Settings& settings) {
  const auto& registry = settings.registry;
  identity::RegistryUsers::Options options;
  options.open =
      registry.registration == "open" || (registry.registration == "allow_list" && !registry.allowed_emails.empty());
  if (registry.registration == "allow_list") options.allowed = registry.allowed_emails;
  options.starter_credits = {settings.stems.starter_credits.micros};
  return options;
}

}  // namespace

Registry::Registry(const RegistryGround& ground, const config::Settings& settings)
    : users(ground.clock, ground.random, ground.keys, ground.ledger, user_options(settings)),
      catalogue(ground.clock),
      feed(ground.clock),
      log(ground.clock),
      publishing(ground.clock, catalogue, feed, log, ground.objects, ground.slots),
      grants(ground.clock, feed, log),
      uploads(ground.clock, publishing, catalogue, feed, log, ground.objects, ground.slots, ground.store),
      recorder(ground.db, ground.clock, {}),
      keys(ground.clock, uploads, recorder),
      serving(ground.clock, catalogue, ground.store),
      house{ground.db,
            ground.store,
            users,
            catalogue,
            publishing,
            uploads,
            grants,
            feed,
            log,
            recorder,
            ground.urls,
            rows,
            settings.server.public_url,
            settings.registry.presign_seconds},
      clockwork(ground.db, ground.clock, grants, uploads) {
  ground.key_spaces.add(keys);
  ground.db.write([&](sql::Tx& tx) { return models::ensure_builtin(tx, ground.clock, feed), true; });
}

}  // namespace toll::app
