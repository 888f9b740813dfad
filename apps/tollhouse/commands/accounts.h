// What the operator does to accounts. Works beside a running server: it sees the change within a second.
#pragma once

#include <string>
#include <vector>

#include "tollhouse/console.h"
#include "tollhouse/house.h"

namespace toll::app {

struct NewAccountOptions {
  std::string email;
  std::string username;  // empty: the part of the email before the @
  std::string password;  // empty: one is made and shown once
  bool admin = false;
};
int create_account(const Console& console, const House& house, const NewAccountOptions& options);
int list_accounts(const Console& console, const House& house, std::size_t limit);
int grant_credits(const Console& console, const House& house, const std::string& email, metering::Credits amount,
                  const std::string& description);
// `own`: what the keys of an enterprise account may call; what is absent is the plan's standard.
int set_plan(const Console& console, const House& house, const std::string& email, const std::string& plan,
             const identity::OwnLimits& own);

// Each takes all the accounts or none.
int make_admins(const Console& console, const House& house, const std::vector<std::string>& emails);
int set_active(const Console& console, const House& house, const std::vector<std::string>& emails, bool active);

}  // namespace toll::app
