// The steps of the contract, known by name.
#pragma once

#include "workflows/catalogue.h"

namespace toll::workflows::steps {

// Adds every step that the catalogue does not have, as one that is not there, with the reason.
void add_absent_steps(Catalogue& catalogue);

}  // namespace toll::workflows::steps
