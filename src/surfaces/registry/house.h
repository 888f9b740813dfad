// What the endpoints of this surface work with.
#pragma once

#include <string>

#include "api/call.h"
#include "api/endpoint.h"
#include "blob/store.h"
#include "identity/registry_users.h"
#include "models/access_log.h"
#include "models/catalogue.h"
#include "models/feed.h"
#include "models/grants.h"
#include "models/publishing.h"
#include "models/uploads.h"
#include "objects/signed_urls.h"
#include "surfaces/registry/paths.h"
#include "surfaces/registry/row_cache.h"

namespace toll::registry {

// Everything here outlives the surface; wiring.cc owns it.
struct House {
  sql::Database& db;
  const blob::Store& store;
  const identity::RegistryUsers& users;
  const models::Catalogue& catalogue;
  const models::Publishing& publishing;
  const models::Uploads& uploads;
  const models::Grants& grants;
  const models::Feed& feed;
  const models::AccessLog& log;
  models::AccessRecorder& recorder;
  const objects::SignedUrls& urls;
  RowCache& rows;
  std::string public_url;  // empty: as the request names it
  std::int64_t presign_seconds;
};

using Call = api::Call<House>;

// What every endpoint of this surface inherits.
struct Endpoint : api::Defaults {
  using Call = registry::Call;
  static constexpr api::PlaceCheck fits = &registry::fits;
};
using api::Access;
using api::Method;
using api::Nothing;
using api::Route;
using api::Runs;
using json::field;
using json::In;

// For role-bound routes: the role, and administrators.
Result<void> developers_only(const identity::Principal& who);
Result<void> platforms_only(const identity::Principal& who);

models::Viewer viewer(const Call& call);
models::Trace trace(const Call& call);

// A row for the access log that no answer waits for. HEAD leaves none.
void note(const Call& call, models::AccessRow row);
// The result, whose refusal goes into the access log.
template <class T>
Result<T> told(const Call& call, std::string_view event, std::string_view repo_id, Result<T> result);

// Signed URLs for reading, as this caller may use them.
class Signer {
 public:
  Signer(const Call& call, std::int64_t seconds);
  std::string read(std::string_view key) const;
  // Null unless the file is ready and its bytes are there.
  std::optional<std::string> read_if_there(const models::File& file) const;
  const std::string& origin() const { return origin_; }
  std::chrono::seconds expires() const { return expires_; }

 private:
  const Call& call_;
  std::string origin_;
  std::chrono::seconds expires_;
};

void note_refusal(const Call& call, std::string_view event, std::string_view repo_id, const Fault& fault);

template <class T>
Result<T> told(const Call& call, std::string_view event, std::string_view repo_id, Result<T> result) {
  if (!result) note_refusal(call, event, repo_id, result.error());
  return result;
}

}  // namespace toll::registry
