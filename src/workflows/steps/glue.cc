#include <fmt/format.h>

#include <algorithm>

#include "schema/schema.h"
#include "workflows/steps/basic.h"

namespace toll::workflows::steps {

namespace {

class TransformMap final : public StepKind {
 public:
  TransformMap() {
    about_.name = "transform.map";
    about_.summary = "Makes JSON out of templates.";
    about_.with = {{"type", "object"},
                   {"properties", {{"output", {{"description", "JSON whose texts may be templates."}}}}},
                   {"required", json::Array{"output"}},
                   {"additionalProperties", false}};
    about_.gives = {Media::data};
  }
  const About& about() const override { return about_; }
  StepResult run(const Call& call, std::stop_token) override {
    Output out;
    out.value = call.with.at("output");
    return out;
  }

 private:
  About about_;
};

class ValidateSchema final : public StepKind {
 public:
  ValidateSchema() {
    about_.name = "validate.schema";
    about_.summary = "Checks JSON against a JSON Schema (2020-12).";
    about_.with = {{"type", "object"},
                   {"properties",
                    {{"schema", {{"type", json::Array{"object", "boolean"}}, {"description", "The schema."}}},
                     {"target", {{"description", "What is checked; the nearest output before by default."}}},
                     {"on_fail",
                      {{"enum", json::Array{"error", "flag"}},
                       {"description", "error fails the item, flag says so in the output."},
                       {"default", "error"}}}}},
                   {"required", json::Array{"schema"}},
                   {"additionalProperties", false}};
    about_.outputs = {"valid", "errors"};
  }
  const About& about() const override { return about_; }

  void check(Checking& what) const override {
    for (const auto& problem : schema::Schema::compile(what.step.with.at("schema")).problems) {
      auto path = what.path / "schema";
      path.insert(path.end(), problem.path.begin(), problem.path.end());
      const bool regex = problem.keyword == "pattern" || problem.keyword == "patternProperties";
      what.problems.add(regex ? "invalid_regex" : "invalid_schema", path,
                        fmt::format("This value {}.", problem.message));
    }
  }

  StepResult run(const Call& call, std::stop_token) override {
    const auto compiled = schema::Schema::compile(call.with.at("schema"));
    if (!compiled.schema) return failed(fault::schema_invalid, "The schema is none.");
    const auto* target = call.with.if_contains("target");
    const auto found = compiled.schema->check(target ? *target : call.nearest_data());
    const auto* on_fail = call.with.if_contains("on_fail");
    if (!found.empty() && !(on_fail && *on_fail == "flag"))
      return failed(fault::schema_invalid,
                    fmt::format("{} {}.", found.front().path.empty() ? "the value" : schema::dotted(found.front().path),
                                found.front().message));
    json::Array errors;
    for (const auto& problem : found)
      errors.push_back(json::Object{
          {"path", schema::dotted(problem.path)}, {"keyword", problem.keyword}, {"message", problem.message}});
    Output out;
    out.value = json::Object{{"valid", found.empty()}, {"errors", std::move(errors)}};
    return out;
  }

 private:
  About about_;
};

class SinkResponse final : public StepKind {
 public:
  SinkResponse() {
    about_.name = "sink.response";
    about_.summary = "The item's result: a value and files, as the caller reads them.";
    about_.role = Role::sink;
    about_.with = {
        {"type", "object"},
        {"properties",
         {{"value", {{"description", "The output of the step before, or of several by their ids, by default."}}},
          {"files",
           {{"type", "array"},
            {"description", "Files of steps before; those of the steps it needs by default."},
            {"maxItems", 1000}}}}},
        {"additionalProperties", false}};
  }
  const About& about() const override { return about_; }

  StepResult run(const Call& call, std::stop_token) override {
    Output out;
    const auto* value = call.with.if_contains("value");
    out.value = value ? *value : value_of(call);
    const auto* files = call.with.if_contains("files");
    for (const auto& before : call.before)
      for (const auto& file : before.files) {
        const auto& own = call.before;
        const bool direct = static_cast<std::size_t>(&before - own.data()) < call.direct;
        if (files ? names(call, *files, file) : direct) out.shown.emplace_back(before.id, file);
      }
    return out;
  }

 private:
  static bool names(const Call& call, const json::Value& files, const File& file) {
    return files.is_array() && std::ranges::any_of(files.get_array(), [&](const json::Value& value) {
             const auto found = call.file_of(value);
             return found && found->digest == file.digest && found->name == file.name;
           });
  }
  static json::Value value_of(const Call& call) {
    if (call.direct == 1) return call.before.front().value;
    json::Object out;
    for (std::size_t i = 0; i < call.direct; ++i) out[call.before[i].id] = call.before[i].value;
    return out;
  }

  About about_;
};

}  // namespace

std::unique_ptr<StepKind> make_transform_map() {
  return std::make_unique<TransformMap>();
}
std::unique_ptr<StepKind> make_validate_schema() {
  return std::make_unique<ValidateSchema>();
}
std::unique_ptr<StepKind> make_sink_response() {
  return std::make_unique<SinkResponse>();
}

}  // namespace toll::workflows::steps
