// The wiring of the command line's tests: real rules over a SQLite file in the data folder, and nothing else.
#pragma once

#include <filesystem>
#include <optional>

#include "base/random.h"
#include "config/settings.h"
#include "identity/credential_cache.h"
#include "identity/login_throttle.h"
#include "identity/passwords.h"
#include "identity/sessions.h"
#include "tollhouse/house.h"

namespace toll::app {

// What the last `serve` or `worker` was called with.
std::optional<config::Settings>& served_with();

// Another one for each House: keys of two commands must differ.
std::uint64_t next_seed();

struct TestParts {
  TestClock clock;
  TestRandom random{next_seed()};
  std::unique_ptr<sql::Database> db;
  identity::CredentialCache cache{clock};
  metering::Ledger ledger{clock};
  identity::Accounts accounts{clock, cache, {}};
  identity::Sessions sessions{clock, random, cache, {.secret = std::string(32, 's')}};
  identity::Keys keys{clock, random, cache, std::string(32, 'k')};
  identity::TunesKeys tunes_keys{clock, random, cache, std::string(32, 'k')};
  identity::Passwords passwords{identity::Passwords::cheap_for_tests()};
  identity::LoginThrottle throttle{clock};
  identity::AccountService account_service;

  explicit TestParts(std::unique_ptr<sql::Database> database)
      : db(std::move(database)), account_service(*db, accounts, sessions, passwords, throttle, ledger, {}) {}
};

struct TestHouse final : House {
  explicit TestHouse(std::unique_ptr<TestParts> parts)
      : House(parts->clock, *parts->db, parts->accounts, parts->account_service, parts->keys, parts->tunes_keys,
              parts->ledger),
        parts(std::move(parts)) {}
  std::unique_ptr<TestParts> parts;
};

}  // namespace toll::app
