// The only place that names concrete classes is wiring.cc; this is what the command line sees of it.
#pragma once

#include <memory>
#include <string>

#include "config/settings.h"
#include "sql/database.h"
#include "tollhouse/house.h"

namespace toll::app {

// Serves until SIGTERM or SIGINT. Returns the exit status; throws std::exception with a sentence for the operator when
// it cannot start.
int serve(const config::Settings& settings);
// Works on the jobs of the database, without a listener, until SIGTERM or SIGINT.
int work(const config::Settings& settings);
// The database of the settings as it is, without migrations. Makes the data folder if need be.
std::unique_ptr<sql::Database> open_database(const config::Settings& settings);
// Database (migrated) and rules, for commands beside the server. Makes the data folder and secrets if need be.
std::unique_ptr<House> open_house(const config::Settings& settings);
// The OpenAPI document of all surfaces, as served.
std::string openapi_text(const config::Settings& settings);
// The worker's side of the engine host, on descriptor 3. Returns the exit status.
int run_engine_process(bool sandbox);

}  // namespace toll::app
