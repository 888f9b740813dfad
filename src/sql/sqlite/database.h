#pragma once

#include <memory>

#include "sql/database.h"

namespace toll::sql::sqlite {

// Takes the sqlite: urls of Options.
std::unique_ptr<Database> open(const Options& options);

}  // namespace toll::sql::sqlite
