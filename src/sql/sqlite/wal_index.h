// The header of a database's WAL index, read where SQLite keeps it: in the shared memory of all its connections
// (https://sqlite.org/walformat.html, 2.1). Every commit, whoever makes it, changes it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sql/database.h"

namespace toll::sql::sqlite {

class WalIndex {
 public:
  // Of the database at this path, which has an open connection. Kept until the process ends: closing a descriptor of
  // that file would drop the locks that this process's connections hold on it (POSIX). nullptr: it cannot be mapped.
  static const WalIndex* of(const std::string& path);

  // What is there now; costs a few loads.
  Version version() const;

 private:
  explicit WalIndex(const std::uint64_t* header) : header_(header) {}
  const std::uint64_t* header_;
};

}  // namespace toll::sql::sqlite
