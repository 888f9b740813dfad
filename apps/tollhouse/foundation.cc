#include "tollhouse/foundation.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>

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

identity::ClientLimits client_limits(const config::Settings& settings) {
  return {.query = settings.media.query_quota, .mutation = settings.media.mutation_quota};
}

OnlyServer::OnlyServer(const config::Settings& settings) {
  if (!database_options(settings).url.starts_with("sqlite:")) return;
  const auto file = data_folder(settings) / "server.lock";
  fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ < 0)
    throw std::runtime_error("cannot write in the data folder " + file.parent_path().string() + ": " +
                             std::generic_category().message(errno));
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
  ::close(fd_);
  throw std::runtime_error("a server runs on the data folder " + file.parent_path().string() +
                           " already. Stop it, or give this one another with --data");
}

OnlyServer::~OnlyServer() {
  if (fd_ >= 0) ::close(fd_);
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
      quotas(*db, clock, {}),
      client_keys(clock, random, cache, quotas, secrets.keys, client_limits(settings)),
      passwords(password_cost(settings.passwords.cost)),
      account_service(*db, accounts, sessions, passwords, throttle, ledger,
                      {.starter_credits = credits(settings.stems.starter_credits)},
                      [this](sql::Tx& tx, AccountId account) {
                        for (const auto& leave : leaving) leave(tx, account);
                      }) {
  for (const auto& name : sql::migrate(*db, clock.now())) log::info("database.migrated", {{"migration", name}});
}

}  // namespace toll::app
