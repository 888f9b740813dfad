#pragma once

#include "base/clock.h"
#include "sql/database.h"
#include "tollhouse/console.h"

namespace toll::app {

// Brings the schema up to date and says what it did; harmless when there is nothing to do. The server does the same
// at every start.
int migrate(const Console& console, sql::Database& db, Time now);

}  // namespace toll::app
