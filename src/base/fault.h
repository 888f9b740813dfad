// A Fault is a refusal or failure on its way to whoever must hear of it. What the public may read (reason, arguments,
// field problems) and what only the log may hold (cause) are different members, so a slip shows in review.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/reasons.h"

namespace toll {

enum class Place : std::uint8_t { body, query, path, header };

// What is wrong with one value of a request.
enum class Problem : std::uint8_t {
  missing,     // required and not there
  no_body,     // there is no body at all
  bad_json,    // the body is not JSON; the path holds the byte offset
  not_object,  // a JSON object was expected
  not_list,    // a JSON array was expected
  not_string,
  not_integer,   // a JSON value of another type, or a number with a fraction
  not_a_number,  // a text that is no integer: query and form values
  not_boolean,
  not_finite,
  not_file,  // a text where a file part was expected
  bad_email,
  rejected,  // anything else; message says why
};

// Which bound of a declared value was broken, for surfaces that say it more exactly than the message does.
enum class Bound : std::uint8_t { none, least, most, shortest, longest, pattern, digits };

struct FieldProblem {
  Place place = Place::body;
  std::vector<std::variant<std::string, std::int64_t>> path;
  Problem problem = Problem::rejected;
  std::string message;         // lower-case clause, e.g. "must be 1 to 64 characters"
  std::string input = "null";  // the refused value as sent, as JSON text; never of a secret member
  Bound bound = Bound::none;
  std::int64_t limit = 0;         // of least, most, shortest and longest
  std::string_view pattern = {};  // of pattern; lives for ever
  std::string code = {};          // a stable name of its own, for rules that have one: "unknown_step"; else empty
};

class Fault {
 public:
  explicit Fault(Reason reason) : reason_(reason) {}

  // A public argument of the reason's sentence.
  Fault&& with(std::string name, std::string value) && {
    arguments_.emplace_back(std::move(name), std::move(value));
    return std::move(*this);
  }
  // For the log only: paths, SQL, tool output, exception texts.
  Fault&& because(std::string cause) && {
    cause_ = std::move(cause);
    return std::move(*this);
  }
  Fault&& at(std::vector<FieldProblem> problems) && {
    problems_ = std::move(problems);
    return std::move(*this);
  }
  Fault&& retry_after(std::chrono::seconds delay) && {
    retry_after_ = delay;
    return std::move(*this);
  }

  Reason reason() const { return reason_; }
  Kind kind() const { return row_of(reason_).kind; }
  std::string_view code() const { return row_of(reason_).code; }
  const std::string& cause() const { return cause_; }
  const std::vector<FieldProblem>& problems() const { return problems_; }
  std::optional<std::chrono::seconds> retry_after() const { return retry_after_; }
  const std::vector<std::pair<std::string, std::string>>& arguments() const { return arguments_; }
  std::string_view argument(std::string_view name) const;

  // Fills the {name} places of a sentence; a place without an argument stays empty.
  std::string fill(std::string_view sentence) const;
  std::string detail() const { return fill(row_of(reason_).title); }
  // Code, public sentence and cause: for logs.
  std::string describe() const;

 private:
  Reason reason_;
  std::string cause_;
  std::vector<std::pair<std::string, std::string>> arguments_;
  std::vector<FieldProblem> problems_;
  std::optional<std::chrono::seconds> retry_after_;
};

}  // namespace toll
