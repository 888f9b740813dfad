// One JSON object a line on standard error. A fault's cause belongs here and nowhere else.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace toll::log {

enum class Level { debug, info, warn, error };

// debug | info | warn | error
void set_level(std::string_view name);
bool enabled(Level level);

// A field whose value is text (quoted and escaped) or a number.
struct Field {
  std::string_view name;
  std::string value;
  bool quoted = true;
  Field(std::string_view n, std::string_view v) : name(n), value(v) {}
  Field(std::string_view n, const char* v) : name(n), value(v) {}
  Field(std::string_view n, const std::string& v) : name(n), value(v) {}
  template <class N>
  requires std::is_arithmetic_v<N> Field(std::string_view n, N v)
      : name(n), value(fmt::format("{}", v)), quoted(false) {}
};

// {"time":"...","level":"info","event":"server.started", ...}
void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});
inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::info, event, fields);
}
inline void warn(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::warn, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::error, event, fields);
}

void flush();
// JSON string escaping, quotes not included.
void append_escaped(std::string& out, std::string_view text);

}  // namespace toll::log
