// The gate: who is there, from where, and how often. Every request goes through it before its body is looked at.
//
// On surfaces that count calls (Dialect::limits) the order is: credentials that are there but bad, the key's
// allow-list, the rate limits; only then does it matter whether the route exists or needs credentials, so that a call
// to an unknown path counts too. On the others: credentials, where the route needs some.
#pragma once

#include <optional>

#include "api/dialect.h"
#include "api/operation.h"
#include "identity/authenticator.h"
#include "metering/counters.h"

namespace toll::api {

struct GateOptions {
  metering::Limits session{6'000, 100'000, 1'000'000};  // of an account's sessions together
  metering::Limits account{};                           // of all of an account's keys together; all 0: no such cap
};

class Gate {
 public:
  Gate(sql::Database& db, const identity::Authenticator& authenticator, metering::Counters& counters,
       const Clock& clock, GateOptions options)
      : db_(db), authenticator_(authenticator), counters_(counters), clock_(clock), options_(options) {}

  // One request at the gate. Afterwards exchange.who is somebody, or nobody where the route takes nobody, and
  // exchange.verdict is set if the caller was counted, also with a fault.
  // Faults: those of the dialect's credential() and of Authenticator, ip_not_allowed, rate_limited, overloaded.
  class Visit {
   public:
    // `route`: who may call it; nullopt for a route that does not exist.
    Visit(const Gate& gate, const DialectTable& dialect, std::optional<Access> route, Exchange& exchange)
        : gate_(gate), dialect_(dialect), route_(route), exchange_(exchange) {}
    // The answer, if it needs no waiting: nearly always. nullopt: co_await enter().
    std::optional<Result<void>> enter_now();
    asio::awaitable<Result<void>> enter();

   private:
    bool counts() const { return dialect_.limits != nullptr; }
    bool needs_credentials() const { return route_ && *route_ != Access::open; }
    Result<identity::Credential> find_credential() const;
    std::optional<Result<void>> identified(Result<identity::PrincipalPtr> who);
    std::optional<Result<void>> count_now();
    Result<void> counted(const metering::Verdict& verdict);
    metering::Demand demand() const;
    bool address_allowed() const;

    const Gate& gate_;
    const DialectTable& dialect_;
    const std::optional<Access> route_;
    Exchange& exchange_;
    std::optional<identity::Credential> credential_;
    bool shut_out_ = false;  // by the allow-list: such a call is shown the counts and not counted
  };

 private:
  sql::Database& db_;
  const identity::Authenticator& authenticator_;
  metering::Counters& counters_;
  const Clock& clock_;
  const GateOptions options_;
};

// Whether the caller may do what a route is for: kind of credential, administrator, scope, plan. Faults:
// no_credentials, session_required, admin_required, missing_scope, plan_required.
Result<void> authorize(const identity::Principal& who, const About& about);
// One scope, for endpoints that need more than one now and then. Faults: missing_scope, plan_required.
Result<void> authorize_scope(const identity::Principal& who, std::string_view scope);

}  // namespace toll::api
