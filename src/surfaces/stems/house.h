// What the endpoints of this surface work with.
#pragma once

#include <string>

#include "api/call.h"
#include "api/endpoint.h"
#include "api/upload.h"
#include "blob/store.h"
#include "identity/account_service.h"
#include "identity/keys.h"
#include "identity/sessions.h"
#include "jobs/queue.h"
#include "metering/payments.h"
#include "probe/probe.h"
#include "separations/models.h"
#include "separations/separations.h"

namespace toll::stems {

struct SquareConfig {
  std::string application_id, location_id, environment;
};

// Everything here outlives the surface; wiring.cc owns it.
struct House {
  sql::Database& db;
  blob::Store& store;
  const identity::AccountService& account_service;
  const identity::Accounts& accounts;
  const identity::Sessions& sessions;
  const identity::Keys& keys;
  const metering::Ledger& ledger;
  const metering::Shop& shop;
  const Clock& clock;
  const jobs::Queue& queue;
  separations::Separations& separations;
  const separations::Models& models;
  probe::Prober& prober;
  SquareConfig square;
  std::uint64_t max_upload_bytes;
  bool secure_cookies;
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

}  // namespace toll::stems
