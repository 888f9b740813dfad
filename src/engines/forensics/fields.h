// Reading the members of a JSON object that somebody else wrote: each with its bounds, all of them optional unless
// said. What does not fit throws Misfit, which the parsers of this folder turn into their fault.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace toll::engines::forensics {

struct Misfit : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Fields {
 public:
  explicit Fields(const boost::json::object& object) : object_(object) {}
  // Misfit when the text is no JSON object.
  static boost::json::object parse(std::string_view text);
  // Misfit when `value` is no object; `name` says what it is.
  static Fields of(const boost::json::value& value, std::string_view name);

  const boost::json::value* find(std::string_view name) const;  // null counts as absent
  bool boolean(std::string_view name, bool fallback) const;
  std::int64_t integer(std::string_view name, std::int64_t least, std::int64_t most, std::int64_t fallback) const;
  double number(std::string_view name, double least, double most, double fallback) const;
  std::string text(std::string_view name, std::string_view fallback) const;
  std::string text(std::string_view name) const;                 // must be there, and not empty
  Fields object(std::string_view name) const;                    // must be there
  const boost::json::array& array(std::string_view name) const;  // must be there

 private:
  const boost::json::value& must_find(std::string_view name) const;
  const boost::json::object& object_;
};

}  // namespace toll::engines::forensics
