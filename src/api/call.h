// What an endpoint sees of the request that calls it.
#pragma once

#include <string>

#include "base/clock.h"
#include "http/message.h"
#include "identity/audit.h"
#include "identity/principal.h"
#include "sql/database.h"

namespace toll::api {

// House: the surface's own use cases and collaborators.
template <class House>
class Call {
 public:
  Call(House& house_in, const http::Request& request_in, std::string request_id_in, Time now_in)
      : house(house_in), request(request_in), request_id(std::move(request_id_in)), now(now_in) {}

  House& house;
  const http::Request& request;
  const std::string request_id;
  const Time now;
  identity::Principal who;
  http::Fields reply;  // more fields of the answer: Link, Set-Cookie

  AccountId account() const { return who.account; }
  identity::Actor actor() const { return identity::actor_of(who, request_id); }
  // The transaction that handle() or admit() runs in.
  sql::Tx& tx() const {
    if (!tx_) throw std::logic_error("this endpoint runs outside of a transaction");
    return *tx_;
  }
  // A known Idempotency-Key came with the request: its answer will be replayed, nothing will be done.
  bool replaying = false;

  void enter(sql::Tx* tx) { tx_ = tx; }

 private:
  sql::Tx* tx_ = nullptr;
};

}  // namespace toll::api
