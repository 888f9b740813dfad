#include "schema/schema.h"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <stdexcept>

#include "schema/compile.h"
#include "schema/meta_schema.h"

namespace toll::schema {

namespace {

std::string joined(const Path& path, char separator, bool escapes) {
  std::string out;
  for (const auto& step : path) {
    if (escapes || !out.empty()) out += separator;
    if (const auto* index = std::get_if<std::int64_t>(&step)) {
      out += std::to_string(*index);
      continue;
    }
    for (const char c : std::get<std::string>(step))
      if (escapes && (c == '~' || c == '/'))
        out += c == '~' ? "~0" : "~1";
      else
        out += c;
  }
  return out;
}

}  // namespace

std::string pointer(const Path& path) {
  return joined(path, '/', true);
}

std::string dotted(const Path& path) {
  return joined(path, '.', false);
}

Schema::Compiled Schema::compile(const json::Value& document, const Limits& limits) {
  static const Schema meta = [] {
    auto program = std::make_shared<Program>();
    program->document = json::parse(meta_schema).value();
    if (!compile_into(*program, {}, nullptr).empty()) throw std::logic_error("the meta-schema does not compile");
    return Schema(std::move(program));
  }();
  if (boost::json::serialize(document).size() > limits.bytes)
    return {std::nullopt, {{{}, "limit", fmt::format("must have at most {} bytes", limits.bytes)}}};
  if (auto problems = meta.check(document); !problems.empty()) return {std::nullopt, std::move(problems)};
  auto program = std::make_shared<Program>();
  program->document = document;
  if (auto problems = compile_into(*program, limits, &meta); !problems.empty())
    return {std::nullopt, std::move(problems)};
  return {Schema(std::move(program)), {}};
}

std::vector<Problem> Schema::check(const json::Value& value, std::size_t most) const {
  Run run(*program_, most);
  Seen seen;
  run.apply(*program_->top, value, seen, "false");
  return run.take();
}

const json::Value& Schema::document() const {
  return program_->document;
}

}  // namespace toll::schema
