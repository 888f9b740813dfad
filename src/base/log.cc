#include "base/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>

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

// Lines are formatted by their writers, outside of any lock. What is gathered goes out in one write.
class StandardError final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  ~StandardError() override { flush_(); }
  void gather() { gathers_ = true; }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    lines_.append(message.payload.data(), message.payload.size());
    lines_ += '\n';
    if (!gathers_ || lines_.size() >= gathered_bytes) flush_();
  }
  void flush_() override {
    std::string_view rest = lines_;
    while (!rest.empty()) {
      const auto written = ::write(STDERR_FILENO, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) break;  // nobody reads: there is nothing better to do with them
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    lines_.clear();
  }

 private:
  static constexpr std::size_t gathered_bytes = 64 << 10;
  std::atomic<bool> gathers_ = false;
  std::string lines_;
};

StandardError& sink() {
  static auto instance = std::make_shared<StandardError>();
  return *instance;
}

spdlog::logger& logger() {
  static auto instance = [] {
    // Owned by sink(), which is made first and so destroyed last.
    auto made = std::make_shared<spdlog::logger>("tollhouse", spdlog::sink_ptr(std::shared_ptr<void>(), &sink()));
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

namespace {

bool plain(std::string_view text) {
  for (unsigned char c : text)
    if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') return false;
  return true;
}

void append_text(std::string& out, std::string_view text) {
  if (plain(text)) {
    out += text;
  } else if (valid_utf8(text)) {
    append_escaped(out, text);
  } else {
    for (char c : text) append_escaped(out, static_cast<unsigned char>(c) < 0x80 ? std::string_view(&c, 1) : "?");
  }
}

template <class N>
void append_number(std::string& out, N number) {
  char digits[32];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

// The date and time up to the second are the same for many lines.
void append_time(std::string& out, Time now) {
  thread_local std::int64_t second = -1;
  thread_local std::string text;
  const auto micros = to_micros(now);
  if (micros / 1'000'000 != second) {
    second = micros / 1'000'000;
    text = iso_seconds(now);
  }
  out += text;
  char fraction[] = ".000000Z";
  auto rest = micros % 1'000'000;
  for (char* digit = fraction + 6; rest > 0; --digit, rest /= 10) *digit = static_cast<char>('0' + rest % 10);
  out += fraction;
}

void append_field(std::string& out, const Field& field) {
  out += ",\"";
  out += field.name;
  out += "\":";
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    out += '"';
    append_text(out, *text);
    out += '"';
  } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
    append_number(out, *number);
  } else if (const auto* count = std::get_if<std::uint64_t>(&field.value)) {
    append_number(out, *count);
  } else {
    append_number(out, std::get<double>(field.value));
  }
}

}  // namespace

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!enabled(level)) return;
  thread_local std::string line;
  line = "{\"time\":\"";
  append_time(line, SystemClock().now());
  line += "\",\"level\":\"";
  line += level_name(level);
  line += "\",\"event\":\"";
  append_text(line, event);
  line += '"';
  for (const auto& field : fields) append_field(line, field);
  line += '}';
  logger().log(spd_level(level), spdlog::string_view_t(line.data(), line.size()));
}

void gather() {
  static const bool once = [] {
    logger();
    sink().gather();
    spdlog::register_logger(std::shared_ptr<spdlog::logger>(std::shared_ptr<void>(), &logger()));
    spdlog::flush_every(std::chrono::seconds(1));
    return true;
  }();
  (void)once;
}

void flush() {
  logger().flush();
}

}  // namespace toll::log
