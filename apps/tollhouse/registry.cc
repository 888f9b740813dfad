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

Registry::Registry(Foundation& base, Workshop& workshop, const config::Settings& settings)
    : users(base.clock, base.random, base.keys, base.ledger, user_options(settings)),
      catalogue(base.clock),
      feed(base.clock),
      log(base.clock),
      publishing(base.clock, catalogue, feed, log, workshop.objects, workshop.slots),
      grants(base.clock, feed, log),
      uploads(base.clock, publishing, catalogue, feed, log, workshop.objects, workshop.slots, *workshop.store),
      recorder(*base.db, base.clock, {}),
      keys(base.clock, uploads, recorder),
      serving(base.clock, catalogue, *workshop.store),
      house{*base.db,
            *workshop.store,
            users,
            catalogue,
            publishing,
            uploads,
            grants,
            feed,
            log,
            recorder,
            workshop.urls,
            rows,
            settings.server.public_url,
            settings.registry.presign_seconds},
      clockwork(*base.db, base.clock, grants, uploads) {
  workshop.key_spaces.add(keys);
  base.leaving.push_back([this](sql::Tx& tx, AccountId account) { publishing.remove_account(tx, account); });
  base.db->write([&](sql::Tx& tx) { return models::ensure_builtin(tx, base.clock, feed), true; });
}

}  // namespace toll::app
