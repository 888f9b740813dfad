// What a call brings, as items. Private to workflows/.
#pragma once

#include "base/random.h"
#include "base/result.h"
#include "blob/store.h"
#include "workflows/executions.h"

namespace toll::workflows {

// The workflow's limits with the deployment's on top, within the operator's.
Limits limits_of(const Definition& definition, const LimitOverrides& overrides, const Limits& caps);

// Fills items, contents, source and lists of `prepared`. Faults: those of Executions::prepare.
Result<void> make_items(Prepared& prepared, const Catalogue& catalogue, blob::Store& store, Random& random);

// The digest of all that a call asks besides its items: for history_key.
std::string question_of(const Prepared& prepared);
// input_data as it is kept: the bytes of its files are items.
json::Object without_contents(json::Object input);

// The same for the same deployment, workflow and revision, bytes and everything else that a step can read; empty for an
// item whose bytes are not here yet.
std::string history_key(const Prepared& prepared, const Item& item, const json::Object& pins);

}  // namespace toll::workflows
