#include "surfaces/registry/surface.h"

#include "surfaces/registry/dialect.h"
#include "surfaces/registry/endpoints/admin.h"
#include "surfaces/registry/endpoints/catalogue.h"
#include "surfaces/registry/endpoints/changes.h"
#include "surfaces/registry/endpoints/files.h"
#include "surfaces/registry/endpoints/models.h"
#include "surfaces/registry/endpoints/uploads.h"
#include "surfaces/registry/endpoints/usage.h"
#include "surfaces/registry/endpoints/users.h"

namespace toll::registry {

namespace {

template <class... Es>
struct Endpoints {
  static api::SurfaceDescription describe() { return api::describe_surface<Dialect, Es...>(); }
  static api::Surface make(const api::Core& core, House& house) {
    return api::make_surface<Dialect, House, Es...>(core, house);
  }
};

// In the order of the documentation.
using All = Endpoints<GetHealth, RegisterUser, RotateKey, GetMe, GetMyUsage,                                     //
                      CreateUser, SetGrant, ListGrants, DeleteGrant, GetAdminUsage, ListAccessLogs,              //
                      ListModels, GetModel, ListFiles, DownloadFile, GetManifest, GetPlatformManifest,           //
                      ListVersions, ListAliases, ListChanges,                                                    //
                      SaveModel, DeleteModel, AddVersion, DeleteVersion, SetAlias, DeleteAlias, InitiateUpload,  //
                      CompleteUpload, GetUpload, AbortUpload>;

}  // namespace

const api::SurfaceDescription& describe() {
  static const auto description = All::describe();
  return description;
}

api::Surface make(const api::Core& core, House& house) {
  return All::make(core, house);
}

}  // namespace toll::registry
