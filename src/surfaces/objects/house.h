// What the endpoints of this surface work with.
#pragma once

#include <optional>

#include "api/call.h"
#include "api/endpoint.h"
#include "blob/store.h"
#include "objects/key_space.h"
#include "objects/signed_urls.h"
#include "objects/slots.h"

namespace toll::object_store {

// Everything here outlives the surface; wiring.cc owns it.
struct House {
  const blob::Store& store;
  const objects::SignedUrls& urls;
  const objects::Slots& slots;
  const objects::KeySpaces& spaces;
};

// A request whose URL has been checked.
struct Call : api::Call<House> {
  using api::Call<House>::Call;
  objects::Permit permit;
  objects::Slot slot;  // of a PUT
};

// What every endpoint of this surface inherits: whoever holds the URL may call.
struct Endpoint : api::Defaults {
  using Call = object_store::Call;
  using Response = http::Response;
  static constexpr api::Access access = api::Access::open;
  static constexpr std::string_view answers = "application/octet-stream";
};
using api::Method;
using api::Route;
using api::Runs;
using json::field;
using json::In;

// Whether the request's URL is ours and valid; fills call.permit.
Result<void> check_url(Call& call);

}  // namespace toll::object_store
