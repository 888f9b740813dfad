// Accounts, keys and money over one migrated database: what every command needs.
#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "config/settings.h"
#include "identity/account_service.h"
#include "identity/accounts.h"
#include "identity/client_keys.h"
#include "identity/credential_cache.h"
#include "identity/keys.h"
#include "identity/login_throttle.h"
#include "identity/passwords.h"
#include "identity/secrets.h"
#include "identity/sessions.h"
#include "identity/tunes_keys.h"
#include "metering/ledger.h"
#include "metering/quota.h"
#include "sql/database.h"

namespace toll::app {

sql::Options database_options(const config::Settings& settings);
metering::Credits credits(config::Credits amount);
identity::ClientLimits client_limits(const config::Settings& settings);

// Over SQLite one server at a time: what a start takes for left behind would be the other's. Held until it goes;
// commands and workers beside the server do not ask. Throws std::runtime_error with a sentence for the operator.
class OnlyServer {
 public:
  explicit OnlyServer(const config::Settings& settings);
  ~OnlyServer();
  OnlyServer(const OnlyServer&) = delete;

 private:
  int fd_ = -1;
};

// Members may use what stands above them.
struct Foundation {
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<sql::Database> db;
  identity::Secrets secrets;
  identity::CredentialCache cache{clock};
  metering::Ledger ledger{clock};
  identity::Accounts accounts;
  identity::Sessions sessions;
  identity::Keys keys;
  identity::TunesKeys tunes_keys;
  metering::Quotas quotas;
  identity::ClientKeys client_keys;
  identity::Passwords passwords;
  identity::LoginThrottle throttle{clock};
  std::vector<identity::AccountService::Leaving> leaving;  // of those who own more than accounts
  identity::AccountService account_service;

  // Makes the data folder and the secrets if need be, migrates the database.
  explicit Foundation(const config::Settings& settings);
  Foundation(const Foundation&) = delete;
};

}  // namespace toll::app
