#include "tollhouse/commands/accounts.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <functional>

#include "base/random.h"
#include "identity/admin.h"

namespace toll::app {
namespace {

namespace json = boost::json;
using identity::Account;

constexpr std::string_view unknown_account_hint = "The accounts there are: tollhouse accounts list";

std::string_view hint_for(const Fault& fault) {
  switch (fault.reason()) {
    case Reason::account_not_found:
      return unknown_account_hint;
    case Reason::username_taken:
      return "Choose another: --username NAME";
    default:
      return {};
  }
}

json::object describe(const Account& account, metering::Credits credits) {
  return {{"id", account.id.value()},
          {"email", account.email},
          {"username", account.username},
          {"admin", account.is_admin},
          {"active", account.active},
          {"plan", to_string(account.plan)},
          {"credits", metering::to_number(credits)},
          {"created_at", iso_seconds(account.created_at)}};
}

Result<Account> find(sql::Tx& tx, const House& house, const std::string& email) {
  auto account = house.accounts.find_by_email(tx, email);
  if (!account) return Fault(Reason::account_not_found).because(email);
  return *std::move(account);
}

using Change = std::function<Result<void>(sql::Tx&, const Account&)>;

// Applies the change to every account in one transaction.
int change_all(const Console& console, const House& house, const std::vector<std::string>& emails,
               std::string_view outcome, const Change& change) {
  auto done = house.db.write([&](sql::Tx& tx) -> Result<void> {
    for (const auto& email : emails) {
      auto account = TOLL_TRY(find(tx, house, email));
      if (auto changed = change(tx, account); !changed) return std::move(changed).error().because(email);
    }
    return {};
  });
  if (!done) return console.fail(done.error(), hint_for(done.error()));
  std::string text;
  json::array list;
  for (const auto& email : emails) {
    text += fmt::format("{} {}\n", email, outcome);
    list.push_back(json::string(email));
  }
  return console.show(text, json::object{{"changed", list}});
}

}  // namespace

int create_account(const Console& console, const House& house, const NewAccountOptions& options) {
  identity::Registration registration{options.email, options.username, options.password};
  if (registration.username.empty()) registration.username = options.email.substr(0, options.email.find('@'));
  if (registration.password.empty()) registration.password = SystemRandom().text(20, base62_alphabet);
  auto signed_in = house.account_service.register_account(registration, identity::operator_actor());
  if (!signed_in) return console.fail(signed_in.error(), hint_for(signed_in.error()));
  auto& account = signed_in->account;
  if (options.admin && !account.is_admin) {
    auto made = house.db.write(
        [&](sql::Tx& tx) { return house.accounts.set_admin(tx, account.id, true, identity::operator_actor()); });
    if (!made) return console.fail(made.error());
    account.is_admin = true;
  }
  auto text = fmt::format("Created {} (id {}, user name {}){}", account.email, account.id.value(), account.username,
                          account.is_admin ? ", an administrator" : "");
  auto json = describe(account, signed_in->credits);
  if (options.password.empty()) {
    text += fmt::format("\nPassword, shown only now: {}", registration.password);
    json["password"] = registration.password;
  }
  return console.show(text, json);
}

int list_accounts(const Console& console, const House& house, std::size_t limit) {
  std::vector<std::vector<std::string>> rows{{"ID", "EMAIL", "USER NAME", "PLAN", "CREDITS", "STATE", "SINCE"}};
  json::array list;
  house.db.read([&](sql::Tx& tx) {
    for (const auto& account : house.accounts.list(tx, limit)) {
      auto credits = house.ledger.balance(tx, account.id);
      rows.push_back({std::to_string(account.id.value()), account.email, account.username,
                      std::string(to_string(account.plan)), metering::to_text(credits),
                      !account.active    ? "disabled"
                      : account.is_admin ? "administrator"
                                         : "active",
                      iso_seconds(account.created_at)});
      list.push_back(describe(account, credits));
    }
    return true;
  });
  if (rows.size() == 1) return console.show("There are no accounts yet.", list);
  return console.show(as_columns(rows), list);
}

int grant_credits(const Console& console, const House& house, const std::string& email, metering::Credits amount,
                  const std::string& description) {
  auto entry = house.db.write([&](sql::Tx& tx) -> Result<metering::Entry> {
    auto account = TOLL_TRY(find(tx, house, email));
    return identity::adjust_credits(tx, house.clock, house.accounts, house.ledger, account.id, amount, description,
                                    "operator", identity::operator_actor());
  });
  if (!entry) return console.fail(entry.error(), hint_for(entry.error()));
  return console.show(fmt::format("{} got {} credits and has {} now", email, metering::to_text(amount),
                                  metering::to_text(entry->balance_after)),
                      json::object{{"email", email},
                                   {"granted", metering::to_number(amount)},
                                   {"credits", metering::to_number(entry->balance_after)}});
}

int set_plan(const Console& console, const House& house, const std::string& email, const std::string& plan,
             const identity::OwnLimits& own) {
  const auto chosen = identity::plan_from(plan);
  if (!chosen) {
    std::vector<std::string_view> names;
    for (auto known : identity::all_plans) names.push_back(to_string(known));
    return console.fail(fmt::format("there is no plan {}", plan),
                        fmt::format("The plans there are: {}", fmt::join(names, ", ")));
  }
  if (own != identity::OwnLimits{} && chosen != identity::Plan::enterprise)
    return console.fail(fmt::format("the limits of the plan {} are fixed", plan),
                        "Only accounts on enterprise have limits of their own");
  return change_all(console, house, {email}, "has the plan " + plan,
                    [&](sql::Tx& tx, const Account& account) -> Result<void> {
                      if (auto set = house.accounts.set_plan(tx, account.id, *chosen, identity::operator_actor()); !set)
                        return set;
                      if (own == account.own_limits) return {};
                      return house.accounts.set_own_limits(tx, account.id, own, identity::operator_actor());
                    });
}

int make_admins(const Console& console, const House& house, const std::vector<std::string>& emails) {
  return change_all(console, house, emails, "is an administrator", [&](sql::Tx& tx, const Account& account) {
    return house.accounts.set_admin(tx, account.id, true, identity::operator_actor());
  });
}

int set_active(const Console& console, const House& house, const std::vector<std::string>& emails, bool active) {
  return change_all(console, house, emails, active ? "is active" : "is disabled",
                    [&](sql::Tx& tx, const Account& account) {
                      return house.accounts.set_active(tx, account.id, active, identity::operator_actor());
                    });
}

}  // namespace toll::app
