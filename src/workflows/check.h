// Whether a definition can be run by this server, for this organisation: every rule of saving, all problems at once.
#pragma once

#include "workflows/catalogue.h"
#include "workflows/definition.h"
#include "workflows/secrets.h"

namespace toll::workflows {

struct CheckContext {
  const Catalogue& catalogue;
  const Secrets& secrets;
  sql::Tx& tx;
  OrganisationId organisation;
  AccountId payer;
};

void check_definition(const Definition& definition, const CheckContext& context, Problems& problems);

}  // namespace toll::workflows
