#include "surfaces/inference/surface.h"

#include "surfaces/inference/dialect.h"
#include "surfaces/inference/endpoints/infer.h"
#include "surfaces/inference/endpoints/models.h"
#include "surfaces/inference/endpoints/server.h"

namespace toll::open_inference {

namespace {

template <class... Es>
struct Endpoints {
  static api::SurfaceDescription describe() { return api::describe_surface<Dialect, Es...>(); }
  static api::Surface make(const api::Core& core, House& house) {
    return api::make_surface<Dialect, House, Es...>(core, house);
  }
};

// In the order of the documentation.
using All = Endpoints<GetServer, GetLive, GetReady,                                          //
                      ListIndex, GetModel, GetModelVersion, GetModelReady, GetVersionReady,  //
                      Infer, InferVersion>;

}  // namespace

const api::SurfaceDescription& describe() {
  static const auto description = All::describe();
  return description;
}

api::Surface make(const api::Core& core, House& house) {
  return All::make(core, house);
}

}  // namespace toll::open_inference
