#pragma once

#include <string_view>

#include "sql/database.h"

namespace toll::sql {

// PostgreSQL's text cannot hold a NUL byte and SQLite's functions stop at one, so neither engine takes it.
inline void refuse_nul(std::string_view text) {
  if (text.find('\0') != text.npos) throw Error("a text parameter holds a NUL byte; bind it as a Blob");
}

}  // namespace toll::sql
