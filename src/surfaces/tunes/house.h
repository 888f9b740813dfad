// What the endpoints of this surface work with.
#pragma once

#include <string>

#include "api/call.h"
#include "api/endpoint.h"
#include "api/input.h"
#include "base/random.h"
#include "identity/account_service.h"
#include "identity/tunes_keys.h"
#include "surfaces/tunes/library_house.h"

namespace toll::tunes {

// Everything here outlives the surface; wiring.cc owns it.
struct House {
  sql::Database& db;
  const identity::AccountService& account_service;
  const identity::Accounts& accounts;
  const identity::TunesKeys& keys;
  const Clock& clock;
  Random& random;
  const LibraryHouse& library;
  std::string public_url;  // without a final slash; empty: as the request names it
};

// What every endpoint of this surface inherits.
struct Endpoint : api::Defaults {
  using Call = api::Call<House>;
};
using api::Access;
using api::Method;
using api::Nothing;
using api::Route;
using api::Runs;
using json::field;
using json::In;

}  // namespace toll::tunes
