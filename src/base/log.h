// One JSON object a line on standard error. A fault's cause belongs here and nowhere else.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace toll::log {

enum class Level { debug, info, warn, error };

// debug | info | warn | error
void set_level(std::string_view name);
bool enabled(Level level);

// A field whose value is text (quoted and escaped) or a number. Text is a view: it lives as long as the call.
struct Field {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, std::uint64_t, double> value;
  Field(std::string_view n, std::string_view v) : name(n), value(v) {}
  Field(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
  Field(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
  template <std::floating_point N>
  Field(std::string_view n, N v) : name(n), value(static_cast<double>(v)) {}
  template <std::signed_integral N>
  Field(std::string_view n, N v) : name(n), value(static_cast<std::int64_t>(v)) {}
  template <std::unsigned_integral N>
  Field(std::string_view n, N v) : name(n), value(static_cast<std::uint64_t>(v)) {}
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

// From now on lines are gathered and written once a second, or sooner: when there are many, and with every warning or
// error. A crash loses what is gathered. For servers; starts a thread.
void gather();
void flush();
// JSON string escaping, quotes not included.
void append_escaped(std::string& out, std::string_view text);

}  // namespace toll::log
