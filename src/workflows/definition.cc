#include "workflows/definition.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>

#include "base/text.h"

namespace toll::workflows {

namespace {

constexpr std::array<std::string_view, 3> type_names{"ETL", "TASK", "API"};

// A member of an object, with where it stands.
struct Member {
  const json::Value* value = nullptr;  // nullptr: absent
  Path path;
  Problems& problems;

  bool required() const {
    if (value && !value->is_null()) return true;
    problems.add("required", path, "This field is required.");
    return false;
  }
  void invalid(std::string sentence) const { problems.add("invalid", path, std::move(sentence)); }
};

Member member(const json::Object& object, std::string_view name, const Path& base, Problems& problems) {
  return {object.if_contains(name), base / std::string(name), problems};
}

void read_text(const Member& from, std::string& out, std::size_t least, std::size_t most) {
  if (!from.value || from.value->is_null()) return;
  const auto* text = from.value->if_string();
  if (!text) return from.invalid("Not a valid string.");
  const auto length = utf8_length(*text);
  if (length < least) return from.problems.add("required", from.path, "This field may not be blank.");
  if (length > most)
    return from.problems.add("max_length", from.path,
                             fmt::format("Ensure this field has no more than {} characters.", most));
  if (text->find('\0') != text->npos) return from.invalid("Null characters are not allowed.");
  out = std::string(*text);
}

std::optional<std::int64_t> whole(const json::Value& value) {
  if (const auto* number = value.if_int64()) return *number;
  if (const auto* real = value.if_double(); real && *real == std::floor(*real) && std::abs(*real) < 1e15)
    return static_cast<std::int64_t>(*real);
  return std::nullopt;
}

void bound(const Member& from, std::int64_t value, std::int64_t least, std::int64_t most, std::int64_t& out) {
  if (value < least)
    from.problems.add("min_value", from.path, fmt::format("Ensure this value is greater than or equal to {}.", least));
  else if (value > most)
    from.problems.add("max_value", from.path, fmt::format("Ensure this value is less than or equal to {}.", most));
  else
    out = value;
}

void read_whole(const Member& from, std::int64_t& out, std::int64_t least, std::int64_t most) {
  if (!from.value || from.value->is_null()) return;
  const auto value = whole(*from.value);
  if (!value) return from.invalid("A valid integer is required.");
  bound(from, *value, least, most, out);
}

void read_type(const Member& from, Type& out) {
  if (!from.required()) return;
  const auto* text = from.value->if_string();
  if (!text) return from.invalid("Not a valid string.");
  const auto type = type_from(*text);
  if (type) return void(out = *type);
  from.problems.add("invalid_choice", from.path,
                    fmt::format("\"{}\" is not a valid choice.", utf8_prefix(std::string_view(*text), 100)));
}

const json::Object* read_object(const Member& from) {
  if (!from.value || from.value->is_null()) return nullptr;
  const auto* object = from.value->if_object();
  if (!object) from.invalid("A valid object is required.");
  return object;
}

bool is_step_id(std::string_view text) {
  if (text.empty() || text.size() > 40 || text[0] < 'a' || text[0] > 'z') return false;
  return std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

void read_needs(const Member& from, Step& step) {
  if (!from.value || from.value->is_null()) return;
  step.needs_given = true;
  const auto* list = from.value->if_array();
  if (!list || list->size() > most_steps)
    return from.invalid(fmt::format("Expected a list of at most {} step ids.", most_steps));
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto* id = (*list)[i].if_string();
    if (!id)
      from.problems.add("invalid", from.path / i, "Not a valid string.");
    else if (std::ranges::find(step.needs, std::string_view(*id)) == step.needs.end())
      step.needs.emplace_back(*id);
  }
}

void read_retry(const Member& from, Step& step) {
  const auto* object = read_object(from);
  if (!object) return;
  Retry retry;
  std::int64_t attempts = retry.max_attempts;
  read_whole(member(*object, "max_attempts", from.path, from.problems), attempts, 1, 10);
  retry.max_attempts = static_cast<int>(attempts);
  if (const auto backoff = member(*object, "backoff_s", from.path, from.problems); backoff.value) {
    if (!backoff.value->is_number())
      backoff.invalid("A valid number is required.");
    else if (const auto seconds = backoff.value->to_number<double>(); seconds < 0 || seconds > 60)
      backoff.problems.add(seconds < 0 ? "min_value" : "max_value", backoff.path,
                           "Ensure this value is between 0 and 60.");
    else
      retry.backoff_s = seconds;
  }
  step.retry = retry;
}

Step read_step(const json::Object& object, const Path& path, Problems& problems) {
  Step step;
  if (const auto id = member(object, "id", path, problems); id.required()) {
    const auto* text = id.value->if_string();
    if (text && is_step_id(*text))
      step.id = std::string(*text);
    else
      id.invalid("A step id is a lower-case letter and up to 39 of a-z, 0-9 and _.");
  }
  if (const auto uses = member(object, "uses", path, problems); uses.required()) read_text(uses, step.uses, 1, 100);
  if (const auto* with = read_object(member(object, "with", path, problems))) step.with = *with;
  read_needs(member(object, "needs", path, problems), step);
  read_retry(member(object, "retry", path, problems), step);
  if (const auto timeout = member(object, "timeout_s", path, problems); timeout.value && !timeout.value->is_null()) {
    std::int64_t seconds = 0;
    read_whole(timeout, seconds, 1, 86'400);
    if (seconds > 0) step.timeout_s = seconds;
  }
  return step;
}

void read_steps(const Member& from, std::vector<Step>& out) {
  if (!from.required()) return;
  const auto* list = from.value->if_array();
  if (!list) return from.invalid("Expected a list of steps.");
  if (list->empty() || list->size() > most_steps)
    return from.invalid(fmt::format("A workflow has 1 to {} steps.", most_steps));
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto* object = (*list)[i].if_object();
    out.push_back(object ? read_step(*object, from.path / i, from.problems) : Step{});
    if (!object) from.problems.add("invalid", from.path / i, "A valid object is required.");
    if (!out.back().needs_given && i > 0) out.back().needs = {out[i - 1].id};
  }
}

void read_limits(const Member& from, Limits& out) {
  const auto* object = read_object(from);
  if (!object) return;
  read_whole(member(*object, "max_file_mb", from.path, from.problems), out.max_file_mb, 1, 4096);
  read_whole(member(*object, "max_files", from.path, from.problems), out.max_files, 1, 1000);
  read_whole(member(*object, "timeout_s", from.path, from.problems), out.timeout_s, 1, 86'400);
}

json::Object write_step(const Step& step) {
  json::Object out{{"id", step.id}, {"uses", step.uses}, {"with", step.with}};
  if (step.needs_given) out["needs"] = json::Array(step.needs.begin(), step.needs.end());
  if (step.retry)
    out["retry"] = json::Object{{"max_attempts", step.retry->max_attempts}, {"backoff_s", step.retry->backoff_s}};
  if (step.timeout_s) out["timeout_s"] = *step.timeout_s;
  return out;
}

}  // namespace

std::string_view to_string(Type type) {
  return type_names[static_cast<std::size_t>(type)];
}

std::optional<Type> type_from(std::string_view text) {
  for (std::size_t i = 0; i < type_names.size(); ++i)
    if (equal_ignoring_case(text, type_names[i])) return static_cast<Type>(i);
  return std::nullopt;
}

const Step* Definition::find(std::string_view id) const {
  const auto found = std::ranges::find(steps, id, &Step::id);
  return found == steps.end() ? nullptr : &*found;
}

std::vector<std::size_t> Definition::before(std::size_t index) const {
  std::vector<std::size_t> out;
  std::deque<std::size_t> next{index};
  while (!next.empty()) {
    for (const auto& id : steps[next.front()].needs) {
      const auto found = static_cast<std::size_t>(std::ranges::find(steps, id, &Step::id) - steps.begin());
      if (found == steps.size() || found == index || std::ranges::find(out, found) != out.end()) continue;
      out.push_back(found);
      next.push_back(found);
    }
    next.pop_front();
  }
  return out;
}

Definition read_definition(const json::Object& document, Problems& problems) {
  Definition out;
  if (const auto name = member(document, "name", {}, problems); name.required()) read_text(name, out.name, 1, 100);
  read_text(member(document, "description", {}, problems), out.description, 0, 1000);
  read_type(member(document, "type", {}, problems), out.type);
  if (const auto* schema = read_object(member(document, "input_schema", {}, problems))) out.input_schema = *schema;
  read_steps(member(document, "steps", {}, problems), out.steps);
  read_limits(member(document, "limits", {}, problems), out.limits);
  return out;
}

json::Object write_definition(const Definition& definition) {
  json::Array steps;
  for (const auto& step : definition.steps) steps.push_back(write_step(step));
  const auto& limits = definition.limits;
  return {{"name", definition.name},
          {"description", definition.description},
          {"type", to_string(definition.type)},
          {"input_schema", definition.input_schema},
          {"steps", std::move(steps)},
          {"limits",
           json::Object{
               {"max_file_mb", limits.max_file_mb}, {"max_files", limits.max_files}, {"timeout_s", limits.timeout_s}}}};
}

}  // namespace toll::workflows
