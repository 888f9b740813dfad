// extract.rules, classify.
#include <fmt/format.h>

#include <set>

#include "pattern/pattern.h"
#include "workflows/rules/bins.h"
#include "workflows/rules/fields.h"
#include "workflows/steps/llm_words.h"
#include "workflows/steps/outside.h"
#include "workflows/steps/schema_words.h"

namespace toll::workflows::steps {

namespace {

// The pages of the nearest step that read a document; none: the text has none.
std::vector<rules::Page> pages_of(const Call& call) {
  std::vector<rules::Page> out;
  for (const auto& step : call.before) {
    const auto* object = step.value.if_object();
    const auto* pages = object ? object->if_contains("pages") : nullptr;
    if (!pages || !pages->is_array()) continue;
    for (const auto& page : pages->get_array())
      out.push_back({page.at("number").to_number<std::int64_t>(), std::string_view(page.at("text").as_string())});
    break;
  }
  return out;
}

std::string text_for(const Call& call) {
  const auto* given = call.with.if_contains("input");
  if (given && given->is_string()) return std::string(given->get_string());
  return call.nearest_text().value_or("");
}

class ExtractRules final : public StepKind {
 public:
  ExtractRules() {
    about_.name = "extract.rules";
    about_.summary = "Typed values out of text or JSON: by labels, expressions, pointers and headings of tables.";
    about_.with = an_object(
        {{"fields", rules::fields_schema()}, {"input", {{"description", "The text; the nearest one by default."}}}},
        {"fields"});
    about_.takes = {Media::text, Media::data};
    about_.gives = {Media::data};
  }
  const About& about() const override { return about_; }

  void check(Checking& what) const override {
    const auto& fields = what.step.with.at("fields");
    if (!fields.is_array()) return;
    for (const auto& mistake : rules::read_fields(fields).mistakes) {
      auto path = what.path / "fields";
      path.insert(path.end(), mistake.path.begin(), mistake.path.end());
      what.problems.add(mistake.regex ? "invalid_regex" : "invalid", std::move(path),
                        fmt::format("This value {}.", mistake.message));
    }
  }

  StepResult run(const Call& call, std::stop_token) override {
    const auto declared = rules::read_fields(call.with.at("fields"));
    if (!declared.mistakes.empty())
      return failed(fault::template_error, fmt::format("A field {}.", declared.mistakes.front().message));
    const auto text = text_for(call);
    const auto data = call.nearest_data();
    const bool own_text = call.with.contains("input");
    auto found =
        rules::extract(declared.fields,
                       {.text = text, .pages = own_text ? std::vector<rules::Page>() : pages_of(call), .data = &data});
    if (!found.missing.empty()) {
      std::string names;
      for (const auto& name : found.missing) names += (names.empty() ? "" : ", ") + name;
      return failed(fault::required_missing,
                    names + (found.missing.size() == 1 ? " was not found." : " were not found."));
    }
    Output out;
    out.value = std::move(found.values);
    return out;
  }

 private:
  About about_;
};

// The bins of a classify step by rules, or what is wrong with them.
struct Bins {
  std::vector<rules::Bin> bins;
  struct Mistake {
    std::int64_t bin;
    std::string member;
    bool regex = false;
    std::string message;
  };
  std::vector<Mistake> mistakes;
};

void read_sign(const json::Object& bin, std::int64_t index, Bins& out) {
  const auto name = text_in(bin, "name");
  if (const auto* regex = bin.if_contains("regex")) {
    auto compiled = pattern::Pattern::compile(std::string_view(regex->get_string()), {.lines = true});
    if (!compiled.pattern) {
      out.mistakes.push_back(
          {index, "regex", true, "is no expression that can be matched in linear time: " + compiled.why});
      return;
    }
    out.bins.push_back({name, std::move(*compiled.pattern)});
    return;
  }
  std::vector<rules::Phrase> words;
  const auto* keywords = bin.if_contains("keywords");
  if (keywords)
    for (const auto& word : keywords->get_array())
      if (auto phrase = rules::Phrase::of(std::string_view(word.get_string()))) words.push_back(std::move(*phrase));
  if (words.empty())
    out.mistakes.push_back({index, "keywords", false, "must be there, or regex, where bins are told by rules"});
  out.bins.push_back({name, std::move(words)});
}

Bins read_bins(const json::Object& with) {
  Bins out;
  std::int64_t index = 0;
  for (const auto& bin : with.at("bins").get_array()) read_sign(bin.get_object(), index++, out);
  return out;
}

class Classify final : public StepKind {
 public:
  explicit Classify(const Llm& llm) : llm_(llm) {
    about_.name = "classify";
    about_.summary = "Which bin an item belongs in, by rules or by a language model; unknown where none fits.";
    auto properties = llm_schema();
    properties.erase("prompt");
    const json::Object bin = an_object(
        {{"name", a_text("As it stands in the output.", 100)},
         {"keywords",
          {{"type", "array"}, {"items", a_text("Found as whole words.", 200)}, {"minItems", 1}, {"maxItems", 200}}},
         {"regex", a_text("Found anywhere.", 4096)},
         {"description", a_text("For a language model.", 2000)}},
        {"name"});
    properties["bins"] = json::Object{{"type", "array"}, {"items", bin}, {"minItems", 2}, {"maxItems", 100}};
    properties["by"] =
        one_of("rules asks keywords and expressions, llm a language model.", json::Array{"rules", "llm"}, "rules");
    about_.with = an_object(std::move(properties), {"bins"});
    about_.outputs = {"bin", "scores"};
    about_.takes = {Media::text, Media::data};
    about_.gives = {Media::data};
    about_.secrets = true;
    about_.lasting = true;
  }
  const About& about() const override { return about_; }

  void check(Checking& what) const override {
    const auto& with = what.step.with;
    std::int64_t index = 0;
    std::set<std::string> names;
    for (const auto& bin : with.at("bins").get_array()) {
      const auto path = what.path / "bins" / index++;
      const auto name = text_in(bin.get_object(), "name");
      if (name == rules::unknown_bin)
        what.problems.add("invalid", path / "name", "This name is reserved for what fits no bin.");
      if (!names.insert(name).second) what.problems.add("invalid", path / "name", "This name is taken by another bin.");
    }
    if (text_in(with, "by", "rules") == "llm") return check_llm(what, llm_);
    for (const auto& mistake : read_bins(with).mistakes)
      what.problems.add(mistake.regex ? "invalid_regex" : "invalid", what.path / "bins" / mistake.bin / mistake.member,
                        fmt::format("This value {}.", mistake.message));
  }

  StepResult run(const Call& call, std::stop_token stop) override {
    if (text_in(call.with, "by", "rules") == "llm") return classify_by_llm(llm_, call, text_for(call), stop);
    const auto bins = read_bins(call.with);
    if (!bins.mistakes.empty())
      return failed(fault::template_error,
                    fmt::format("A bin's {} {}.", bins.mistakes.front().member, bins.mistakes.front().message));
    auto found = rules::classify(bins.bins, text_for(call));
    Output out;
    out.value = json::Object{{"bin", found.bin}, {"scores", std::move(found.scores)}};
    return out;
  }

 private:
  About about_;
  const Llm& llm_;
};

}  // namespace

std::unique_ptr<StepKind> make_extract_rules() {
  return std::make_unique<ExtractRules>();
}
std::unique_ptr<StepKind> make_classify(const Llm& llm) {
  return std::make_unique<Classify>(llm);
}

}  // namespace toll::workflows::steps
