#include "workflows/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "schema/schema.h"
#include "workflows/executions.h"
#include "workflows/templates.h"

namespace toll::workflows {

namespace {

std::string sentence(std::string_view clause) {
  return fmt::format("This value {}.", clause);
}

// A JSON Schema keyword in the words of the other field errors.
std::string_view code_of(std::string_view keyword) {
  if (keyword == "required" || keyword == "dependentRequired") return "required";
  if (keyword == "minimum" || keyword == "exclusiveMinimum") return "min_value";
  if (keyword == "maximum" || keyword == "exclusiveMaximum") return "max_value";
  if (keyword == "enum" || keyword == "const") return "invalid_choice";
  return "invalid";
}

const json::Value* at_path(const json::Object& with, const Path& path) {
  const json::Value* at = nullptr;
  for (const auto& part : path) {
    const auto* name = std::get_if<std::string>(&part);
    if (!at) {
      at = name ? with.if_contains(*name) : nullptr;
    } else if (name) {
      at = at->is_object() ? at->get_object().if_contains(*name) : nullptr;
    } else {
      const auto place = static_cast<std::size_t>(std::get<std::int64_t>(part));
      at = at->is_array() && place < at->get_array().size() ? &at->get_array()[place] : nullptr;
    }
    if (!at) return nullptr;
  }
  return at;
}

// Its value is known only when the step runs.
bool stands_for_another(const json::Object& with, const Path& path) {
  const auto* value = at_path(with, path);
  if (!value) return false;
  if (const auto* text = value->if_string()) return has_templates(*text);
  return secret_place(path) != SecretPlace::none && secret_name(*value);
}

class Check {
 public:
  Check(const Definition& definition, const CheckContext& context, Problems& problems)
      : definition_(definition), context_(context), problems_(problems) {}

  void all() {
    input_schema();
    names();
    for (std::size_t i = 0; i < definition_.steps.size(); ++i) step(i);
    if (!cycles()) flow();
  }

 private:
  static Path step_path(std::size_t index) { return Path{std::string("steps")} / index; }
  const Step& at(std::size_t index) const { return definition_.steps[index]; }
  const StepKind* kind(std::size_t index) const { return context_.catalogue.find(at(index).uses); }

  void input_schema() {
    if (definition_.input_schema.empty()) return;
    const auto compiled = schema::Schema::compile(definition_.input_schema);
    for (const auto& problem : compiled.problems) {
      Path path{std::string("input_schema")};
      path.insert(path.end(), problem.path.begin(), problem.path.end());
      const bool regex = problem.keyword == "pattern" || problem.keyword == "patternProperties";
      problems_.add(regex ? "invalid_regex" : "invalid_schema", path, sentence(problem.message));
    }
  }

  void names() {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < definition_.steps.size(); ++i) {
      const auto& id = at(i).id;
      if (!id.empty() && !seen.insert(id).second)
        problems_.add("duplicate_id", step_path(i) / "id", fmt::format("Another step is called \"{}\".", id));
    }
    for (std::size_t i = 0; i < definition_.steps.size(); ++i) needs(i);
  }

  void needs(std::size_t index) {
    const auto& step = at(index);
    if (!step.needs_given) return;
    for (std::size_t n = 0; n < step.needs.size(); ++n)
      if (!definition_.find(step.needs[n]))
        problems_.add("unknown_need", step_path(index) / "needs" / n,
                      fmt::format("There is no step \"{}\".", step.needs[n]));
  }

  void step(std::size_t index) {
    const auto& step = at(index);
    if (step.uses.empty()) return;
    const auto* found = kind(index);
    if (!found)
      return problems_.add("unknown_step", step_path(index) / "uses",
                           fmt::format("There is no step \"{}\"; GET step/ lists them.", step.uses));
    if (const auto why = found->unavailable(step.with)) {
      problems_.add("step_unavailable", step_path(index) / "uses",
                    fmt::format("The step {} is not available on this server: {}", step.uses, *why));
      return references(index, *found);
    }
    const auto before = problems_.count();
    with(index, *found);
    secrets(index, *found);
    references(index, *found);
    if (problems_.count() > before) return;
    Checking own{context_.tx, context_.organisation,     context_.payer, definition_,
                 step,        step_path(index) / "with", problems_};
    found->check(own);
  }

  void with(std::size_t index, const StepKind& kind) {
    const auto& given = at(index).with;
    for (const auto& problem : context_.catalogue.with_schema(kind.about().name).check(given)) {
      if (stands_for_another(given, problem.path)) continue;
      auto path = step_path(index) / "with";
      path.insert(path.end(), problem.path.begin(), problem.path.end());
      const auto code = code_of(problem.keyword);
      problems_.add(std::string(code), path,
                    code == "required" ? "This field is required." : sentence(problem.message));
    }
  }

  void secrets(std::size_t index, const StepKind& kind) {
    if (!kind.about().secrets) return;
    each_secret_place(at(index).with, [&](const Path& inside, SecretPlace place, const json::Value& value) {
      auto path = step_path(index) / "with";
      path.insert(path.end(), inside.begin(), inside.end());
      const auto name = secret_name(value);
      if (name && !context_.secrets.exists(context_.tx, context_.organisation, *name))
        problems_.add("unknown_secret", path, fmt::format("There is no secret \"{}\".", *name));
      else if (!name && place == SecretPlace::credential)
        problems_.add("secret_literal", path, "Credentials stand in secrets: write {\"secret\": \"NAME\"}.");
    });
  }

  void references(std::size_t index, const StepKind& kind) {
    const auto before = definition_.before(index);
    each_reference(at(index).with, step_path(index) / "with", [&](const Path& path, const Reference& reference) {
      const auto wrong = wrong_with(reference, before, kind);
      if (!wrong.empty()) problems_.add("bad_reference", path, wrong);
    });
  }

  std::string wrong_with(const Reference& reference, const std::vector<std::size_t>& before, const StepKind& kind) {
    static constexpr std::array item{"name", "file", "sha256", "mime", "size"};
    const auto& root = reference[0];
    if (root == "input" || root == "parameters" || root == "custom_data") return {};
    if (root == "execution")
      return reference.size() == 2 && reference[1] == "id" ? "" : "Of the execution there is only {{execution.id}}.";
    if (root == "item") {
      if (kind.lists()) return "A source that lists its items has no item yet.";
      const bool known = reference.size() > 1 && std::ranges::find(item, reference[1]) != item.end();
      return known ? "" : "Of the item there are name, file, sha256, mime and size.";
    }
    if (root != "steps" || reference.size() < 2)
      return "A template begins with input, parameters, custom_data, item, steps or execution.";
    return wrong_with_step(reference, before);
  }

  std::string wrong_with_step(const Reference& reference, const std::vector<std::size_t>& before) {
    const auto found = std::ranges::find_if(before, [&](std::size_t i) { return at(i).id == reference[1]; });
    if (found == before.end())
      return fmt::format("The step \"{}\" is not among those that this one needs.", reference[1]);
    const auto* other = kind(*found);
    if (!other || other->about().outputs.empty() || reference.size() < 3) return {};
    const auto& outputs = other->about().outputs;
    if (std::ranges::find(outputs, reference[2]) != outputs.end()) return {};
    return fmt::format("The step \"{}\" has no output \"{}\"; it has {}.", reference[1], reference[2],
                       fmt::join(outputs, ", "));
  }

  // Whether there is one; a step that only comes after a cycle is not in it.
  bool cycles() {
    bool any = false;
    for (std::size_t i = 0; i < definition_.steps.size(); ++i) {
      if (!reaches(i)) continue;
      any = true;
      problems_.add("cycle", step_path(i) / "needs", fmt::format("The step \"{}\" needs itself.", at(i).id));
    }
    return any;
  }

  bool reaches(std::size_t index) const {
    // Of two steps with one name the first is meant.
    const auto needs_it = [&](std::size_t other) {
      return std::ranges::any_of(at(other).needs, [&](const std::string& id) {
        return std::ranges::find(definition_.steps, id, &Step::id) - definition_.steps.begin() ==
               static_cast<std::ptrdiff_t>(index);
      });
    };
    return needs_it(index) || std::ranges::any_of(definition_.before(index), needs_it);
  }

  void flow() {
    if (definition_.steps.empty()) return;
    ends();
    for (std::size_t i = 0; i < definition_.steps.size(); ++i) {
      roles(i);
      media(i);
    }
  }

  bool has(const auto& wanted) const {
    for (std::size_t i = 0; i < definition_.steps.size(); ++i)
      if (const auto* known = kind(i); known && wanted(known->about())) return true;
    return false;
  }

  void ends() {
    const Path path{std::string("steps")};
    if (!has([](const About& about) { return about.role == Role::source || about.name.starts_with("source."); }))
      problems_.add("no_source", path, "A workflow begins with a source.");
    const auto sink = [](const About& about) { return about.role == Role::sink || about.name.starts_with("sink."); };
    const auto keeps = [&](const About& about) { return sink(about) && about.name != "sink.response"; };
    if (definition_.type == Type::api && !has([](const About& about) { return about.name == "sink.response"; }))
      problems_.add("no_sink", path, "A workflow of type API ends in sink.response.");
    else if (definition_.type == Type::etl && !has(keeps))
      problems_.add("no_sink", path, "A workflow of type ETL ends in sink.sql, sink.fs, sink.s3 or sink.http.");
    else if (definition_.type == Type::task && !has(sink))
      problems_.add("no_sink", path, "A workflow ends in a sink.");
  }

  void roles(std::size_t index) {
    const auto* known = kind(index);
    if (!known) return;
    const auto& step = at(index);
    if (known->about().role == Role::source && !reaches_sink(step.id))
      problems_.add("no_sink", step_path(index), fmt::format("No sink gets what \"{}\" brings.", step.id));
    if (known->about().role == Role::source && !step.needs.empty() && step.needs_given)
      problems_.add("invalid", step_path(index) / "needs", "A source needs no other step.");
    for (std::size_t n = 0; n < step.needs.size(); ++n) {
      const auto* other = definition_.find(step.needs[n]);
      const auto* other_kind = other ? context_.catalogue.find(other->uses) : nullptr;
      if (other_kind && other_kind->about().role == Role::leaf)
        problems_.add("invalid", step_path(index) / "needs",
                      fmt::format("\"{}\" runs after the end of the execution; no step can need it.", step.needs[n]));
    }
  }

  bool reaches_sink(const std::string& source) const {
    const auto goes = steps_of_item(definition_, context_.catalogue, source);
    for (std::size_t i = 0; i < goes.size(); ++i)
      if (goes[i] && at(i).uses.starts_with("sink.")) return true;
    // Without any sink another problem says so.
    return std::ranges::none_of(definition_.steps, [](const Step& step) { return step.uses.starts_with("sink."); });
  }

  void media(std::size_t index) {
    const auto* known = kind(index);
    if (!known || known->about().takes.empty() || at(index).with.contains("file") || at(index).with.contains("input"))
      return;
    const auto& takes = known->about().takes;
    std::set<std::string_view> offered;
    for (const auto before : definition_.before(index)) {
      const auto* other = kind(before);
      if (!other) return;
      for (const auto media : other->gives(at(before).with)) {
        if (media == Media::any || std::ranges::find(takes, media) != takes.end()) return;
        offered.insert(to_string(media));
      }
    }
    if (offered.empty()) return;
    problems_.add("type_mismatch", step_path(index) / "uses",
                  fmt::format("{} cannot read {}.", at(index).uses, fmt::join(offered, ", ")));
  }

  const Definition& definition_;
  const CheckContext& context_;
  Problems& problems_;
};

}  // namespace

void check_definition(const Definition& definition, const CheckContext& context, Problems& problems) {
  Check(definition, context, problems).all();
}

}  // namespace toll::workflows
