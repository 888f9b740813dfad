// How this surface writes times, ids and texts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "json/schema.h"

namespace toll::tunes {

// UTC, whole seconds: "2025-09-27T10:00:00Z".
struct Stamp {
  Time time{};
};
// In quotes. Without an allocation of its own: every object has some.
void append_stamp(std::string& out, Time time);
inline std::optional<Stamp> stamp(const std::optional<Time>& time) {
  return time ? std::optional<Stamp>(Stamp{*time}) : std::nullopt;
}

// RFC 3339 with any offset: "2025-09-27T12:00:00+02:00". nullopt: it is none.
std::optional<Time> parse_time(std::string_view text);

// A UUID; upper case is accepted and made lower.
struct Uuid {
  std::string value;
};
// The lower-case form; nullopt: it is none.
std::optional<std::string> parse_uuid(std::string_view text);

// A number of milliseconds: 145.3 with one decimal, below ten with three.
struct Milliseconds {
  double value = 0;
};

}  // namespace toll::tunes

namespace toll::json {

template <>
struct Codec<tunes::Stamp> {
  static void read(const Value& v, tunes::Stamp& out, const Rules&, Reading& reading) {
    const auto time = v.is_string() ? tunes::parse_time(v.get_string()) : std::nullopt;
    if (!time) return reading.refuse(Problem::rejected, "must be a time of RFC 3339", v);
    out.time = *time;
  }
  static void read_text(std::string_view text, tunes::Stamp& out, const Rules&, Reading& reading) {
    const auto time = tunes::parse_time(text);
    if (!time) return reading.refuse_text("must be a time of RFC 3339", text);
    out.time = *time;
  }
  static void write(std::string& out, const tunes::Stamp& v, bool) { tunes::append_stamp(out, v.time); }
  static Object schema(const Rules&, Definitions&) {
    return {{"type", "string"}, {"format", "date-time"}, {"examples", Array{"2025-09-27T10:00:00Z"}}};
  }
};

template <>
struct Codec<tunes::Uuid> {
  static void read(const Value& v, tunes::Uuid& out, const Rules&, Reading& reading) {
    auto id = v.is_string() ? tunes::parse_uuid(v.get_string()) : std::nullopt;
    if (!id) return reading.refuse(Problem::rejected, "must be a UUID", v);
    out.value = std::move(*id);
  }
  static void read_text(std::string_view text, tunes::Uuid& out, const Rules&, Reading& reading) {
    auto id = tunes::parse_uuid(text);
    if (!id) return reading.refuse_text("must be a UUID", text);
    out.value = std::move(*id);
  }
  static void write(std::string& out, const tunes::Uuid& v, bool) { append_string(out, v.value); }
  static Object schema(const Rules&, Definitions&) { return {{"type", "string"}, {"format", "uuid"}}; }
};

template <>
struct Codec<tunes::Milliseconds> {
  static void write(std::string& out, const tunes::Milliseconds& v, bool);
  static Object schema(const Rules&, Definitions&) { return {{"type", "number"}}; }
};

}  // namespace toll::json
