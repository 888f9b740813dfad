// Faults in FastAPI's shape, for the surfaces whose documented clients know it: {"detail": text}, or a list of problems
// as pydantic writes them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fault.h"
#include "json/parse.h"

namespace toll::api::detail {

std::string json_text(std::string_view text);
std::string_view name_of(Place place);
// Where a problem stands, as JSON: ["body","tags",0]
std::string location(const FieldProblem& problem);
// One problem: {"type","loc","msg","input"} and, unless it is empty, "ctx" (JSON).
std::string entry(std::string_view type, const FieldProblem& problem, std::string_view message,
                  std::string_view context = {});
// The problems that all these surfaces word alike; "value_error" with its own message for every other.
std::string usual_entry(const FieldProblem& problem);

using EntryOf = std::string (*)(const FieldProblem&);
std::string body(std::string_view text);
std::string body(const std::vector<FieldProblem>& problems, EntryOf entry_of);

// JSON Schema of both bodies.
json::Object schema();

}  // namespace toll::api::detail
