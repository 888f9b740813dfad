// The fields of a request body, read one by one with every problem in the words of the contract. Values of forms come
// as texts and mean what they spell. Unknown fields are ignored.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fault.h"
#include "base/result.h"
#include "json/parse.h"

namespace toll::deployed {

class Fields {
 public:
  // Both live longer. `spelled`: values are texts of a form.
  explicit Fields(const json::Object& body, bool spelled = false) : body_(body), spelled_(spelled) {}

  bool has(std::string_view name) const { return body_.contains(name); }
  // Absent, or not what it should be (a problem then): nullopt. In a form an empty text is absent.
  std::optional<std::string> text(std::string_view name, std::size_t shortest, std::size_t longest);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most);
  std::optional<bool> boolean(std::string_view name);
  std::optional<json::Object> object(std::string_view name, std::string_view otherwise = "Must be a JSON object.");
  std::optional<std::vector<std::string>> texts(std::string_view name, std::size_t most, std::size_t longest);
  std::optional<Time> time(std::string_view name);
  // Present and null.
  bool null(std::string_view name) const;

  void require(std::string_view name);
  void refuse(std::string_view attr, std::string code, std::string sentence);
  void refuse_at(std::vector<std::variant<std::string, std::int64_t>> path, std::string code, std::string sentence);
  bool ok() const { return problems_.empty(); }
  // Every problem as one invalid_request.
  Result<void> done() &&;

 private:
  const json::Value* find(std::string_view name) const;
  std::optional<json::Value> parsed(std::string_view name, const json::Value& value);

  const json::Object& body_;
  const bool spelled_;
  std::vector<FieldProblem> problems_;
};

// RFC 3339 with an offset; nullopt: it is none.
std::optional<Time> parse_time(std::string_view text);
// "2026-01-31T12:00:00.000Z"
std::string iso(Time time);

// `name` in lower case if it is a UUID; nullopt otherwise.
std::optional<std::string> uuid(std::string_view text);

}  // namespace toll::deployed
