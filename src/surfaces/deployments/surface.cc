#include "surfaces/deployments/surface.h"

#include "surfaces/deployments/dialect.h"
#include "surfaces/deployments/endpoints/deployments.h"
#include "surfaces/deployments/endpoints/docs.h"
#include "surfaces/deployments/endpoints/execute.h"
#include "surfaces/deployments/endpoints/keys.h"
#include "surfaces/deployments/endpoints/mcp.h"
#include "surfaces/deployments/endpoints/organisations.h"
#include "surfaces/deployments/endpoints/workflows.h"

namespace toll::deployed {

namespace {

template <class D, class... Es>
struct Endpoints {
  static api::SurfaceDescription describe() { return api::describe_surface<D, Es...>(); }
  static api::Surface make(const api::Core& core, House& house) {
    return api::make_surface<D, House, Es...>(core, house);
  }
};

// In the order of the documentation.
using All = Endpoints<Dialect, ListOrganisations, CreateOrganisation, ListMembers, AddMember, RemoveMember,  //
                      CreateWorkflow, ListWorkflows, GetWorkflow, PutWorkflow, PatchWorkflow, DeleteWorkflow,
                      ValidateWorkflow,                                 //
                      ListSteps, ListSecrets, PutSecret, DeleteSecret,  //
                      CreateDeployment, ListDeployments, GetDeployment, PutDeployment, PatchDeployment,
                      DeleteDeployment, GetUsage, ListDeploymentKeys, CreateDeploymentKey, GetDeploymentKey,
                      PatchDeploymentKey, DeleteDeploymentKey, RotateDeploymentKey, RevokeDeploymentKey,  //
                      ListKeys, CreateKey, GetKey, PatchKey, DeleteKey, RotateKey, RevokeKey,             //
                      ListExecutions, GetExecution, StopExecution,                                        //
                      Execute, GetStatus, GetResult, CancelExecution, GetDocs, GetOpenApi, ExecuteCompat, GetCompat>;

using AllOfMcp = Endpoints<McpDialect, McpOfKey, McpOfName, McpOfAccount>;

}  // namespace

const api::SurfaceDescription& describe() {
  static const auto description = All::describe();
  return description;
}

api::Surface make(const api::Core& core, House& house) {
  return All::make(core, house);
}

const api::SurfaceDescription& describe_mcp() {
  static const auto description = AllOfMcp::describe();
  return description;
}

api::Surface make_mcp(const api::Core& core, House& house) {
  return AllOfMcp::make(core, house);
}

}  // namespace toll::deployed
