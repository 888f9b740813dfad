// JSON Schema 2020-12 (json-schema.org/draft/2020-12): schemas that strangers write, and values checked against them.
// `$ref` and `$dynamicRef` lead to places inside the same document only, `format` and `content*` annotate only,
// `pattern` is matched in linear time (pattern/pattern.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "json/parse.h"

namespace toll::schema {

// Member names and list positions from the top.
using Path = std::vector<std::variant<std::string, std::int64_t>>;

// What is wrong with one place of a value (or of a schema, which is a value as well).
struct Problem {
  Path path;            // of `required` and `dependentRequired` the member that is missing; else the refused value
  std::string keyword;  // the schema's: "minimum"; of the value false: the keyword that holds it
  std::string message;  // lower-case clause, e.g. "must be at least 3"
};

// As a JSON Pointer (RFC 6901): "/files/0/name".
std::string pointer(const Path& path);
// As names with dots: "files.0.name".
std::string dotted(const Path& path);

struct Limits {
  std::size_t bytes = 64 << 10;   // of the document, written without blanks
  std::size_t subschemas = 1000;  // itself included
  std::size_t depth = 32;         // of schemas in schemas; a place that only a reference leads to begins anew
};

struct Program;

// Immutable, cheap to copy, thread-safe.
class Schema {
 public:
  struct Compiled;
  // Keywords of a problem besides those of the standard: "limit" (too large, deep or many), "$ref" (leads nowhere
  // inside the document, or back to itself without looking at anything smaller).
  static Compiled compile(const json::Value& document, const Limits& limits = {});

  // Everything that is wrong, in the schema's order, at most `most`; empty: the value is valid. The work is bounded: a
  // check that would take more than some million steps ends with a problem of keyword "limit".
  std::vector<Problem> check(const json::Value& value, std::size_t most = 100) const;
  bool accepts(const json::Value& value) const { return check(value, 1).empty(); }

  const json::Value& document() const;

 private:
  explicit Schema(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;
};

struct Schema::Compiled {
  std::optional<Schema> schema;
  std::vector<Problem> problems;  // without a schema: at least one
};

}  // namespace toll::schema
