#include "tollhouse/commands/keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace toll::app {
namespace {

namespace json = boost::json;
using identity::Key;
using identity::KeyKind;

Result<AccountId> find(sql::Tx& tx, const House& house, const std::string& email) {
  auto account = house.accounts.find_by_email(tx, email);
  if (!account) return Fault(Reason::account_not_found).because(email);
  return account->id;
}

json::value time_or_null(const std::optional<Time>& time) {
  return time ? json::value(iso_seconds(*time)) : json::value(nullptr);
}

json::object describe(const Key& key) {
  return {{"id", key.id.value()},
          {"name", key.name},
          {"key", key.masked()},
          {"is_default", key.is_default},
          {"created_at", iso_seconds(key.created_at)},
          {"last_used_at", time_or_null(key.last_used_at)},
          {"expires_at", time_or_null(key.expires_at)}};
}

int refused(const Console& console, const Fault& fault, const std::string& email) {
  if (fault.reason() == Reason::account_not_found)
    return console.fail(fault, "The accounts there are: tollhouse accounts list");
  if (fault.reason() == Reason::key_not_found || fault.reason() == Reason::key_name_taken)
    return console.fail(fault, fmt::format("The keys there are: tollhouse keys list {}", email));
  return console.fail(fault);
}

}  // namespace

int create_key(const Console& console, const House& house, const std::string& email, const std::string& name,
               std::optional<std::int64_t> expires_in_days) {
  identity::NewKey wanted{.kind = KeyKind::stems, .name = name, .is_default = name == identity::default_key_name};
  if (expires_in_days) wanted.expires_at = house.clock.now() + std::chrono::hours(24 * *expires_in_days);
  auto fresh = house.db.write([&](sql::Tx& tx) -> Result<identity::FreshKey> {
    auto account = TOLL_TRY(find(tx, house, email));
    return house.keys.create(tx, account, wanted, identity::operator_actor());
  });
  if (!fresh) return refused(console, fresh.error(), email);
  auto json = describe(fresh->key);
  json["key"] = fresh->secret;
  return console.show(fmt::format("{}\nThis is the only time the key is shown.", fresh->secret), json);
}

int list_keys(const Console& console, const House& house, const std::string& email) {
  auto keys = house.db.read([&](sql::Tx& tx) -> Result<std::vector<Key>> {
    auto account = TOLL_TRY(find(tx, house, email));
    return house.keys.list(tx, account, KeyKind::stems);
  });
  if (!keys) return refused(console, keys.error(), email);
  std::vector<std::vector<std::string>> rows{{"ID", "NAME", "KEY", "CREATED", "LAST USED", "EXPIRES"}};
  json::array list;
  for (const auto& key : *keys) {
    rows.push_back({key.id.value(), key.name, key.masked(), iso_seconds(key.created_at),
                    key.last_used_at ? iso_seconds(*key.last_used_at) : "never",
                    key.expires_at ? iso_seconds(*key.expires_at) : "never"});
    list.push_back(describe(key));
  }
  if (keys->empty()) return console.show(fmt::format("{} has no keys.", email), list);
  return console.show(as_columns(rows), list);
}

int revoke_key(const Console& console, const House& house, const std::string& email, const std::string& key) {
  auto gone = house.db.write([&](sql::Tx& tx) -> Result<Key> {
    auto account = TOLL_TRY(find(tx, house, email));
    auto keys = house.keys.list(tx, account, KeyKind::stems);
    auto it =
        std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.id.value() == key || k.name == key; });
    if (it == keys.end()) return Fault(Reason::key_not_found).because(key);
    if (auto removed = house.keys.remove(tx, account, it->id, identity::operator_actor()); !removed)
      return std::move(removed).error();
    return *it;
  });
  if (!gone) return refused(console, gone.error(), email);
  return console.show(fmt::format("Revoked {} ({})", gone->name, gone->masked()), describe(*gone));
}

}  // namespace toll::app
