// How commands speak: results on standard output, for people or as one JSON value; everything else on standard error.
#pragma once

#include <boost/json/value.hpp>

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "base/fault.h"

namespace toll::app {

// Exit statuses of every command.
inline constexpr int succeeded = 0;
inline constexpr int failed = 1;
inline constexpr int misused = 2;

enum class Format { human, json };

struct Console {
  std::ostream& out;
  std::ostream& err;
  Format format = Format::human;
  bool terminal = false;  // err is one: progress may be drawn on it

  // The result of a command, in the format asked for. Returns `succeeded`.
  int show(std::string_view for_people, const boost::json::value& for_programs) const;
  // "error: <what>", and what to do about it. Returns `failed`.
  int fail(std::string_view what, std::string_view hint = {}) const;
  int fail(const Fault& fault, std::string_view hint = {}) const;
};

// One sentence or more: the public text, what is wrong with which field, and the cause, which an operator may see.
std::string explain(const Fault& fault);

// Left-aligned columns; the first row is the head.
std::string as_columns(const std::vector<std::vector<std::string>>& rows);

// A bar on a terminal, redrawn in place; nothing anywhere else.
class ProgressBar {
 public:
  ProgressBar(const Console& console, std::string label);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  void show(double fraction);

 private:
  const Console& console_;
  std::string label_;
  int drawn_ = -1;  // percent
};

// "5.3 MB"
std::string human_bytes(std::size_t bytes);

}  // namespace toll::app
