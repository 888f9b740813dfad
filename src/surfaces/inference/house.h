// What the endpoints of this surface work with.
#pragma once

#include <memory>
#include <string>

#include "api/call.h"
#include "api/endpoint.h"
#include "inference/inference.h"
#include "models/access_log.h"
#include "sql/database.h"
#include "surfaces/inference/paths.h"

namespace toll::open_inference {

// Everything here outlives the surface; wiring.cc owns it.
struct House {
  sql::Database& db;
  inference::Inference& inference;
  models::AccessRecorder& recorder;
  std::string version;           // of the server
  bool can_run = false;          // ONNX Runtime is there
  std::uint64_t max_body_bytes;  // of a call
};

using Call = api::Call<House>;

// What every endpoint of this surface inherits.
struct Endpoint : api::Defaults {
  using Call = open_inference::Call;
  static constexpr api::PlaceCheck fits = &open_inference::fits;
};
using api::Access;
using api::Method;
using api::Nothing;
using api::Route;
using api::Runs;
using json::field;
using json::In;

// An endpoint that needs a model loaded: it waits for a worker, so it runs on this surface's own threads.
struct ModelEndpoint : Endpoint {
  static constexpr Runs runs = Runs::blocking;
  static constexpr bool point_read = true;
  static constexpr bool watches = true;
};

models::Viewer viewer(const Call& call);

// What admit() found: room for the call, and what it is for.
struct Admitted {
  std::shared_ptr<inference::Place> place;
  inference::Target target;
  metering::Credits balance;
};
// Of a route with {repo...} and perhaps {version}. Faults: those of Inference::enter and of Inference::resolve.
Result<void> admit_model(Call& call);
const Admitted& admitted(const Call& call);
// A row for the registry's access log (event model_run) that no answer waits for. status: ok, denied or error.
void note_run(const Call& call, const inference::Target& target, std::string_view status, std::uint64_t bytes);
// The descriptor that tells of a client that hung up; -1: there is none.
int hangup(const Call& call);

}  // namespace toll::open_inference
