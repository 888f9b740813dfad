// What a workflow says: the document of an organisation, read and written. Whether this server can run it is for
// check.h to say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/parse.h"
#include "workflows/problems.h"

namespace toll::workflows {

enum class Type : std::uint8_t { etl, task, api };
std::string_view to_string(Type type);                 // "ETL"
std::optional<Type> type_from(std::string_view text);  // in any case

struct Limits {
  std::int64_t max_file_mb = 100;
  std::int64_t max_files = 32;
  std::int64_t timeout_s = 3600;
};

// The same with all members optional: what a deployment overrides.
struct LimitOverrides {
  std::optional<std::int64_t> max_file_mb, max_files, timeout_s;
};

struct Retry {
  int max_attempts = 3;
  double backoff_s = 1;  // doubled after each attempt
};

struct Step {
  std::string id;
  std::string uses;  // a name of the catalogue
  json::Object with;
  std::vector<std::string> needs;  // as they count: the step before, where the document names none
  bool needs_given = false;
  std::optional<Retry> retry;
  std::optional<std::int64_t> timeout_s;
};

inline constexpr std::size_t most_steps = 64, most_document_bytes = 256 * 1024, most_schema_bytes = 64 * 1024;

struct Definition {
  std::string name, description;
  Type type = Type::api;
  json::Object input_schema;
  std::vector<Step> steps;
  Limits limits;

  const Step* find(std::string_view id) const;
  // Indices of steps that `index` needs, directly or not, nearest first.
  std::vector<std::size_t> before(std::size_t index) const;
};

// Every member's type and bounds; unknown members are ignored. What could be read is returned even with problems.
Definition read_definition(const json::Object& document, Problems& problems);
// The document again, in the documented order.
json::Object write_definition(const Definition& definition);

}  // namespace toll::workflows
