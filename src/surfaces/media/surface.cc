#include "surfaces/media/surface.h"

#include "surfaces/media/dialect.h"
#include "surfaces/media/endpoints/access.h"
#include "surfaces/media/endpoints/keys.h"
#include "surfaces/media/endpoints/media.h"
#include "surfaces/media/endpoints/models.h"
#include "surfaces/media/endpoints/usage.h"

namespace toll::media_api {

namespace {

template <class... Es>
struct Endpoints {
  static api::SurfaceDescription describe() { return api::describe_surface<Dialect, Es...>(); }
  static api::Surface make(const api::Core& core, House& house) {
    return api::make_surface<Dialect, House, Es...>(core, house);
  }
};

// In the order of the documentation.
using All = Endpoints<CreateMedia, ListMedia, GetMedia, DeleteMedia, GetUsage,           //
                      CreateKey, ListKeys, GetKey, ChangeKey, RegenerateKey, RevokeKey,  //
                      AskAccess, GetAccess, ListAccess, ApproveAccess, RejectAccess,     //
                      ListModels, AssignModel, UnassignModel>;

}  // namespace

const api::SurfaceDescription& describe() {
  static const auto description = All::describe();
  return description;
}

api::Surface make(const api::Core& core, House& house) {
  return All::make(core, house);
}

}  // namespace toll::media_api
