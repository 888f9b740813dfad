// What an endpoint sees of the request that calls it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "http/message.h"
#include "http/server.h"
#include "identity/audit.h"
#include "identity/principal.h"
#include "metering/idempotency.h"
#include "metering/limits.h"
#include "sql/database.h"

namespace toll::api {

// A wait that an answer takes, without a thread or a transaction.
struct Linger {
  std::chrono::milliseconds longest{0};
  // Called once, on the connection's thread. `wake` ends the wait; any thread may call it, also before this returns,
  // more than once, and after the wait has ended, as long as the server lives.
  std::function<void(std::function<void()> wake)> arm;
};

// One request on its way through the house.
struct Exchange {
  const http::Request& request;
  http::BodyReader& body;
  std::string_view request_id;
  std::string_view remote;          // the client's address: the peer's, or what a trusted proxy reported
  std::vector<std::string> params;  // of the route, in order
  identity::PrincipalPtr who = identity::nobody();
  std::optional<metering::Verdict> verdict;  // of the rate limits, once the caller was counted
  bool charged = false;                      // and the call took a unit of them
  // Called after the last byte of the answer went out or could not, on the connection's thread: must not block or
  // throw.
  std::function<void(const http::Handler::Served&)> served;
  http::Fields stamps;  // fields of the answer, whether it is a refusal or not
};

// The part that is the same for every surface.
struct CallBase {
  CallBase(Exchange& exchange, Time now_in)
      : request(exchange.request),
        params(exchange.params),
        request_id(exchange.request_id),
        remote(exchange.remote),
        now(now_in),
        who(exchange.who),
        served(exchange.served),
        stamps(exchange.stamps) {}

  const http::Request& request;
  const std::vector<std::string>& params;  // of the route, in order
  const std::string_view request_id;
  const std::string_view remote;  // the client's address
  const Time now;
  const identity::PrincipalPtr& who;                          // of the exchange: known from admit() on
  http::Fields reply;                                         // more fields of the answer: Link, Set-Cookie
  std::function<void(const http::Handler::Served&)>& served;  // of the exchange
  http::Fields& stamps;                                       // of the exchange: fields of every answer from now on
  std::optional<Linger> linger;                               // set by handle(): conclude() answers, after this wait;
                                                              // set by conclude(): it runs again, after another one
  bool replaying = false;  // a known Idempotency-Key came: its answer will be given again, nothing will be done
  sql::Tx* transaction = nullptr;
  // The endpoint's own, from admit() until the answer has been made.
  std::shared_ptr<void> kept;
  // Of an endpoint that watches, during handle(): a descriptor that polls POLLRDHUP once the client has hung up. Null:
  // nobody can tell.
  std::shared_ptr<const int> client;
  // Of a blocking handle() with an Idempotency-Key: keeps the answer in the transaction of the effect, instead of in
  // one of its own afterwards. May run again when the transaction does. Empty: no key came.
  std::function<Result<void>(sql::Tx&, const metering::KeptAnswer&)> keep_answer;

  AccountId account() const { return who->account; }
  identity::Actor actor() const { return identity::actor_of(*who, request_id); }
  // The transaction that handle() or admit() runs in.
  sql::Tx& tx() const {
    if (!transaction) throw std::logic_error("this endpoint runs outside of a transaction");
    return *transaction;
  }
};

// House: the surface's own use cases and collaborators.
template <class House>
struct Call : CallBase {
  Call(House& house_in, Exchange& exchange, Time now) : CallBase(exchange, now), house(house_in) {}
  House& house;
};

}  // namespace toll::api
