// From a document to a Program. Private to schema/.
#pragma once

#include "schema/node.h"

namespace toll::schema {

// Checks everything but the bounds in bytes; `meta` is the schema of schemas, null for itself. The program is of use
// only if there are no problems.
std::vector<Problem> compile_into(Program& program, const Limits& limits, const Schema* meta);

}  // namespace toll::schema
