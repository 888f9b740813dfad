#include "workflows/catalogue.h"

#include <stdexcept>

namespace toll::workflows {

namespace {

class Absent final : public StepKind {
 public:
  Absent(std::string name, std::string summary, std::string why) : why_(std::move(why)) {
    about_.name = std::move(name);
    about_.summary = std::move(summary);
    about_.with = {{"type", "object"}};
  }
  const About& about() const override { return about_; }
  std::optional<std::string> unavailable(const json::Object&) const override { return why_; }
  StepResult run(const Call&, std::stop_token) override { return failed(fault::engine_failed, why_); }

 private:
  About about_;
  std::string why_;
};

}  // namespace

void Catalogue::add(std::unique_ptr<StepKind> kind) {
  const auto name = kind->about().name;
  auto with = schema::Schema::compile(kind->about().with);
  if (!with.schema) throw std::logic_error("the schema of " + name + ": " + with.problems.front().message);
  if (!entries_.emplace(name, Entry{std::move(kind), *std::move(with.schema)}).second)
    throw std::logic_error("two steps are called " + name);
}

void Catalogue::add_absent(std::string name, std::string summary, std::string why) {
  add(std::make_unique<Absent>(std::move(name), std::move(summary), std::move(why)));
}

StepKind* Catalogue::find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : found->second.kind.get();
}

const schema::Schema& Catalogue::with_schema(std::string_view name) const {
  return entries_.find(name)->second.with;
}

std::vector<const StepKind*> Catalogue::all() const {
  std::vector<const StepKind*> out;
  for (const auto& [name, entry] : entries_) out.push_back(entry.kind.get());
  return out;
}

}  // namespace toll::workflows
