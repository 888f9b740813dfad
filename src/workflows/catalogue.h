// The steps that workflows of this server can be written with, and those that it knows by name and cannot do.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schema/schema.h"
#include "workflows/step.h"

namespace toll::workflows {

// Filled at start, then read by many threads.
class Catalogue {
 public:
  // Throws std::logic_error on a second step of this name, and on a `with` schema that is none.
  void add(std::unique_ptr<StepKind> kind);
  // A step of the contract that this server has no engine for: step_unavailable with this reason.
  void add_absent(std::string name, std::string summary, std::string why);

  StepKind* find(std::string_view name) const;
  // Of the `with` of a step that is there.
  const schema::Schema& with_schema(std::string_view name) const;
  // By name.
  std::vector<const StepKind*> all() const;

 private:
  struct Entry {
    std::unique_ptr<StepKind> kind;
    schema::Schema with;
  };
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace toll::workflows
