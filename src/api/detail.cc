#include "api/detail.h"

namespace toll::api::detail {

namespace {

json::Object of_type(std::string_view type) {
  return {{"type", type}};
}

}  // namespace

std::string_view name_of(Place place) {
  switch (place) {
    case Place::query:
      return "query";
    case Place::path:
      return "path";
    case Place::header:
      return "header";
    case Place::body:
      break;
  }
  return "body";
}

std::string json_text(std::string_view text) {
  std::string out;
  json::append_string(out, text);
  return out;
}

std::string location(const FieldProblem& problem) {
  std::string out = "[" + json_text(name_of(problem.place));
  for (const auto& step : problem.path)
    out += "," + (step.index() == 0 ? json_text(std::get<0>(step)) : std::to_string(std::get<1>(step)));
  return out + "]";
}

std::string entry(std::string_view type, const FieldProblem& problem, std::string_view message,
                  std::string_view context) {
  std::string out = "{\"type\":" + json_text(type) + ",\"loc\":" + location(problem) +
                    ",\"msg\":" + json_text(message) + ",\"input\":" + problem.input;
  if (!context.empty()) out.append(",\"ctx\":").append(context);
  return out + "}";
}

std::string usual_entry(const FieldProblem& problem) {
  switch (problem.problem) {
    case Problem::missing:
    case Problem::no_body:
      return entry("missing", problem, "Field required");
    case Problem::bad_json:
      return entry("json_invalid", problem, "JSON decode error", "{\"error\":" + json_text(problem.message) + "}");
    case Problem::not_list:
      return entry("list_type", problem, "Input should be a valid list");
    case Problem::not_a_number:
      return entry("int_parsing", problem, "Input should be a valid integer, unable to parse string as an integer");
    default:
      return entry("value_error", problem, "Value error, " + problem.message, "{\"error\":{}}");
  }
}

std::string body(std::string_view text) {
  return "{\"detail\":" + json_text(text) + "}";
}

std::string body(const std::vector<FieldProblem>& problems, EntryOf entry_of) {
  std::string out = "{\"detail\":[";
  for (std::size_t i = 0; i < problems.size(); ++i) out += (i ? "," : "") + entry_of(problems[i]);
  return out + "]}";
}

json::Object schema() {
  json::Object problem = of_type("object");
  problem["properties"] = json::Object{{"type", of_type("string")},
                                       {"loc", of_type("array")},
                                       {"msg", of_type("string")},
                                       {"input", json::Object{}},
                                       {"ctx", of_type("object")}};
  json::Object list = of_type("array");
  list["items"] = std::move(problem);
  json::Object out = of_type("object");
  out["properties"] =
      json::Object{{"detail", json::Object{{"anyOf", json::Array{of_type("string"), std::move(list)}}}}};
  out["required"] = json::Array{"detail"};
  return out;
}

}  // namespace toll::api::detail
