// What an endpoint sees of the request that calls it.
#pragma once

#include <stdexcept>
#include <string>

#include "base/clock.h"
#include "http/message.h"
#include "identity/audit.h"
#include "identity/principal.h"
#include "sql/database.h"

namespace toll::api {

// The part that is the same for every surface.
struct CallBase {
  CallBase(const http::Request& request_in, std::string request_id_in, Time now_in)
      : request(request_in), request_id(std::move(request_id_in)), now(now_in) {}

  const http::Request& request;
  const std::string request_id;
  const Time now;
  identity::PrincipalPtr who = identity::nobody();
  http::Fields reply;      // more fields of the answer: Link, Set-Cookie
  bool replaying = false;  // a known Idempotency-Key came: its answer will be given again, nothing will be done
  sql::Tx* transaction = nullptr;

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
  Call(House& house_in, const http::Request& request_in, std::string request_id_in, Time now_in)
      : CallBase(request_in, std::move(request_id_in), now_in), house(house_in) {}
  House& house;
};

}  // namespace toll::api
