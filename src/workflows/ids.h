// Ids of this folder. An organisation and a deployment belong to others: here they are names that are compared.
#pragma once

#include <string>

#include "base/ids.h"

namespace toll::workflows {

using OrganisationId = StrongId<struct OrganisationTag, std::string>;
using DeploymentId = StrongId<struct DeploymentTag, std::string>;
using WorkflowId = StrongId<struct WorkflowTag, std::string>;    // UUID
using ExecutionId = StrongId<struct ExecutionTag, std::string>;  // UUID

}  // namespace toll::workflows
