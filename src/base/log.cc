#include "base/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/clock.h"
#include "base/text.h"

namespace toll::log {

namespace {

spdlog::level::level_enum spd_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// One mutex-protected sink; a line is formatted by its writer, so the sink only copies bytes.
spdlog::logger& logger() {
  static auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("tollhouse", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::warn);
    return made;
  }();
  return *instance;
}

constexpr std::string_view level_name(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "info";
}

}  // namespace

void set_level(std::string_view name) {
  logger().set_level(spdlog::level::from_str(std::string(name)));
}
bool enabled(Level level) {
  return logger().should_log(spd_level(level));
}

void append_escaped(std::string& out, std::string_view text) {
  for (unsigned char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (c < 0x20 || c == 0x7f)
          out += fmt::format("\\u{:04x}", c);
        else
          out += static_cast<char>(c);
    }
  }
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!enabled(level)) return;
  std::string line =
      fmt::format(R"({{"time":"{}","level":"{}","event":")", iso_micros(SystemClock().now()), level_name(level));
  append_escaped(line, event);
  line += '"';
  for (const auto& field : fields) {
    line += ",\"";
    line += field.name;
    line += "\":";
    if (!field.quoted) {
      line += field.value;
      continue;
    }
    line += '"';
    if (valid_utf8(field.value))
      append_escaped(line, field.value);
    else
      for (char c : field.value)
        append_escaped(line, static_cast<unsigned char>(c) < 0x80 ? std::string_view(&c, 1) : "?");
    line += '"';
  }
  line += '}';
  logger().log(spd_level(level), line);
}

void flush() {
  logger().flush();
}

}  // namespace toll::log
