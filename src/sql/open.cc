#include "sql/database.h"
#include "sql/postgres/database.h"
#include "sql/sqlite/database.h"

namespace toll::sql {

std::unique_ptr<Database> open(const Options& options) {
  if (options.url.starts_with("sqlite:")) return sqlite::open(options);
  if (options.url.starts_with("postgresql:") || options.url.starts_with("postgres:")) return postgres::open(options);
  throw Error("a database url begins with sqlite: or postgresql:, this one with " +
              options.url.substr(0, options.url.find(':')));
}

}  // namespace toll::sql
