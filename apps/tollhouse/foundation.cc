#include "tollhouse/foundation.h"

#include <filesystem>

#include "base/log.h"
#include "sql/migrations.h"

namespace toll::app {

namespace {

namespace fs = std::filesystem;

fs::path data_folder(const config::Settings& settings) {
  fs::path folder = fs::absolute(settings.server.data);
  fs::create_directories(folder);
  return folder;
}

identity::Passwords::Cost password_cost(std::string_view name) {
  if (name == "minimal") return identity::Passwords::cheap_for_tests();
  if (name == "moderate") return {.passes = 3, .memory = 256u << 20};
  return identity::Passwords::interactive();
}

}  // namespace

sql::Options database_options(const config::Settings& settings) {
  sql::Options options;
  options.url = settings.server.database.empty() ? "sqlite://" + (data_folder(settings) / "tollhouse.db").string()
                                                 : settings.server.database;
  return options;
}

metering::Credits credits(config::Credits amount) {
  return {amount.micros};
}

Foundation::Foundation(const config::Settings& settings)
    : db(sql::open(database_options(settings))),
      secrets(identity::load_secrets(data_folder(settings),
                                     {settings.secrets.api_key_pepper, settings.secrets.session_key}, random)),
      accounts(clock, cache,
               {.admin_emails = settings.admin.emails, .plan = identity::plan_from(settings.accounts.plan).value()}),
      sessions(clock, random, cache, {.secret = secrets.sessions}),
      keys(clock, random, cache, secrets.keys),
      tunes_keys(clock, random, cache, secrets.keys),
      passwords(password_cost(settings.passwords.cost)),
      account_service(*db, accounts, sessions, passwords, throttle, ledger,
                      {.starter_credits = credits(settings.stems.starter_credits)},
                      [this](sql::Tx& tx, AccountId account) {
                        for (const auto& leave : leaving) leave(tx, account);
                      }) {
  for (const auto& name : sql::migrate(*db, clock.now())) log::info("database.migrated", {{"migration", name}});
}

}  // namespace toll::app
