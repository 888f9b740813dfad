// What a body says about a deployment or a key: read with every problem at once.
#pragma once

#include "base/result.h"
#include "surfaces/deployments/fields.h"
#include "surfaces/deployments/house.h"

namespace toll::deployed {

// Applies the fields that are there; what was not said stays. `fresh`: api_name and workflow must be there.
// Faults: invalid_request.
Result<void> read_deployment(Call& call, const json::Object& body, bool fresh, deployments::Settings& out);

// name, expires_at or expires_in_days, allowed_ips; `name` under another name where a deployment is made with its key.
void read_key(Fields& fields, std::string_view name_field, bool with_addresses, Time now,
              identity::OrganisationKeySettings& out);

}  // namespace toll::deployed
