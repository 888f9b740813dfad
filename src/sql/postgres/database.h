#pragma once

#include <memory>

#include "sql/database.h"

namespace toll::sql::postgres {

// Takes the postgresql: urls of Options.
std::unique_ptr<Database> open(const Options& options);

}  // namespace toll::sql::postgres
