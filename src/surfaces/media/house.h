// What the endpoints of this surface work with.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "api/call.h"
#include "api/endpoint.h"
#include "api/input.h"
#include "async/bells.h"
#include "engine/host.h"
#include "identity/client_keys.h"
#include "media/access.h"
#include "media/records.h"
#include "metering/ledger.h"
#include "objects/signed_urls.h"
#include "surfaces/media/waits.h"

namespace toll::media_api {

// Everything here outlives the surface; wiring.cc owns it.
struct House {
  sql::Database& db;
  const Clock& clock;
  const blob::Store& store;
  const identity::ClientKeys& keys;
  const metering::Ledger& ledger;
  media::Records& records;
  const media::Models& models;
  const media::Access& access;
  const objects::SignedUrls& urls;
  async::Bells& bells;
  Waits& waits;
  std::function<std::unique_ptr<engine::Runner>()> runner;  // to look at a model that is to be assigned
  std::string public_url;                                   // empty: as the request names it
  std::chrono::seconds upload_time, link_time;
  std::uint64_t max_video_bytes, max_image_bytes;
};

using Call = api::Call<House>;

using api::Access;
using api::Method;
using api::Nothing;
using api::Route;
using api::Runs;
using json::field;
using json::In;

// What every endpoint of this surface inherits. Bodies are small here.
struct Endpoint : api::Defaults {
  using Call = media_api::Call;
  static constexpr std::uint64_t max_body = 64 << 10;
};

// A key is recognised before it is refused, so that a wrong one hears that it is wrong.
Result<void> sessions_only(const identity::Principal& who);
Result<void> admins_only(const identity::Principal& who);

struct SessionEndpoint : Endpoint {
  static constexpr api::CallerCheck permits = &sessions_only;
};
struct AdminSessionEndpoint : Endpoint {
  static constexpr api::CallerCheck permits = &admins_only;
};

// "https://host": where this request came to, or the public address.
std::string origin_of(const Call& call);

// 204, or another status without a body.
http::Response bare(int status);

}  // namespace toll::media_api
