// How values travel: parameters out, result cells in.
#pragma once

#include <libpq-fe.h>

#include <string>
#include <vector>

#include "sql/database.h"

namespace toll::sql::postgres {

// The arrays that libpq wants. Texts are copied for their NUL at the end, blobs are views and travel in binary. Types
// are left to the server, which infers them from the statement. Throws Error for a text with a NUL byte.
class Parameters {
 public:
  explicit Parameters(const std::vector<Value>& args);
  int count() const { return static_cast<int>(values_.size()); }
  const char* const* values() const { return values_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  std::vector<std::string> texts_;
  std::vector<const char*> values_;
  std::vector<int> lengths_, formats_;
};

// Integers and booleans as integers, floats as reals, bytea as bytes, anything else as text.
Row row(const PGresult* result, int index);

}  // namespace toll::sql::postgres
