#include "sql/database.h"
#include "sql/sqlite/database.h"

namespace toll::sql {

std::unique_ptr<Database> open(const Options& options) {
  if (options.url.starts_with("sqlite:")) return sqlite::open(options);
  throw Error("a database url begins with sqlite: or postgresql:, this one does not: " + options.url);
}

}  // namespace toll::sql
