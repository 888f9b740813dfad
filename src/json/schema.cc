#include "json/schema.h"

#include <charconv>
#include <cmath>

#include "base/text.h"

namespace toll::json {

namespace {

std::string bounds(const Rules& rules, std::string_view unit) {
  std::string out = "must be ";
  if (rules.min && rules.max)
    out += std::to_string(*rules.min) + " to " + std::to_string(*rules.max);
  else if (rules.min)
    out += "at least " + std::to_string(*rules.min);
  else
    out += "at most " + std::to_string(*rules.max);
  return out.append(unit);
}

bool outside(std::int64_t n, const Rules& rules) {
  return (rules.min && n < *rules.min) || (rules.max && n > *rules.max);
}

std::string quoted(std::string_view text) {
  std::string out;
  append_string(out, text);
  return out;
}

bool has_control_character(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f) return true;
    // U+0080 to U+009F
    if (c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;
  }
  return false;
}

// Deep values are bounded by the parser's depth.
void check_texts(const Value& v, Reading& reading) {
  if (reading.full()) return;
  if (v.is_string() && has_control_character(v.get_string()))
    reading.refuse(Problem::rejected, "must not contain control characters", v);
  if (v.is_array())
    for (std::size_t i = 0; i < v.get_array().size(); ++i) {
      reading.enter(static_cast<std::int64_t>(i));
      check_texts(v.get_array()[i], reading);
      reading.leave();
    }
  if (v.is_object())
    for (const auto& member : v.get_object()) {
      reading.enter(member.key());
      if (has_control_character(member.key()))
        reading.refuse(Problem::rejected, "must have a name without control characters", member.value());
      check_texts(member.value(), reading);
      reading.leave();
    }
}

void check_text(std::string_view text, const Rules& rules, Reading& reading) {
  if (reading.strict() && !rules.secret && !rules.judged && has_control_character(text))
    return reading.refuse(Problem::rejected, "must not contain control characters", quoted(text));
  // The databases take no NUL. A secret is never stored as it is.
  if (!rules.secret && !rules.judged && text.find('\0') != text.npos)
    return reading.refuse(Problem::rejected, "must not contain a NUL character", quoted(text));
  const auto length = static_cast<std::int64_t>(utf8_length(text));
  if (!outside(length, rules)) return;
  const bool shorter = rules.min && length < *rules.min;
  reading.refuse(shorter ? Bound::shortest : Bound::longest, shorter ? *rules.min : *rules.max,
                 bounds(rules, " characters"), quoted(text));
}

void check_integer(std::int64_t n, const Rules& rules, Reading& reading, std::string input) {
  if (!outside(n, rules)) return;
  const bool less = rules.min && n < *rules.min;
  reading.refuse(less ? Bound::least : Bound::most, less ? *rules.min : *rules.max, bounds(rules, ""),
                 std::move(input));
}

// A whole number, whatever its size.
bool all_digits(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

// 2^53: the integers that a JSON number holds exactly everywhere.
std::optional<std::int64_t> whole(double d) {
  if (!std::isfinite(d) || d != std::trunc(d) || std::abs(d) > 9007199254740992.0) return std::nullopt;
  return static_cast<std::int64_t>(d);
}

}  // namespace

void Reading::refuse_text(std::string message, std::string_view input) {
  refuse(Problem::rejected, std::move(message), quoted(input));
}

void Codec<std::string>::read(const Value& v, std::string& out, const Rules& rules, Reading& reading) {
  if (!v.is_string()) return reading.refuse(Problem::not_string, "must be a string", v);
  out = std::string(v.get_string());
  check_text(out, rules, reading);
}

void Codec<std::string>::read_text(std::string_view text, std::string& out, const Rules& rules, Reading& reading) {
  if (!valid_utf8(text)) return reading.refuse(Problem::rejected, "must be UTF-8", quoted(text));
  out = std::string(text);
  check_text(out, rules, reading);
}

Object Codec<std::string>::schema(const Rules& rules, Definitions&) {
  Object out{{"type", "string"}};
  if (rules.min) out["minLength"] = *rules.min;
  if (rules.max) out["maxLength"] = *rules.max;
  if (rules.secret) out["format"] = "password";
  return out;
}

void Codec<Value>::read(const Value& v, Value& out, const Rules&, Reading& reading) {
  out = v;
  if (reading.strict()) check_texts(v, reading);
}

void Codec<bool>::read(const Value& v, bool& out, const Rules&, Reading& reading) {
  if (!v.is_bool()) return reading.refuse(Problem::not_boolean, "must be true or false", v);
  out = v.get_bool();
}

void Codec<bool>::read_text(std::string_view text, bool& out, const Rules&, Reading& reading) {
  const auto word = lower(trim(text));
  out = word == "true" || word == "1";
  if (!out && word != "false" && word != "0")
    reading.refuse(Problem::not_boolean, "must be true or false", quoted(text));
}

Object Codec<bool>::schema(const Rules&, Definitions&) {
  return {{"type", "boolean"}};
}

void Codec<std::int64_t>::read(const Value& v, std::int64_t& out, const Rules& rules, Reading& reading) {
  if (v.is_string() && !reading.strict()) return read_text(v.get_string(), out, rules, reading);
  std::optional<std::int64_t> n;
  if (v.is_int64()) n = v.get_int64();
  if (v.is_double()) n = whole(v.get_double());
  if (!n) {
    reading.refuse(Problem::not_integer, "must be an integer", v);
    if (v.is_uint64() || (v.is_double() && std::abs(v.get_double()) >= 9223372036854775808.0))
      reading.last().bound = Bound::digits;
    return;
  }
  out = *n;
  check_integer(out, rules, reading, std::to_string(out));
}

void Codec<std::int64_t>::read_text(std::string_view text, std::int64_t& out, const Rules& rules, Reading& reading) {
  auto body = trim(text);
  if (body.starts_with('+')) body.remove_prefix(1);
  if (auto point = body.find('.');
      point != body.npos && point > 0 && body.find_first_not_of('0', point + 1) == body.npos)
    body = body.substr(0, point);
  auto n = parse_int(body);
  if (!n) {
    reading.refuse(Problem::not_a_number, "must be an integer", quoted(text));
    if (all_digits(body)) reading.last().bound = Bound::digits;
    return;
  }
  out = *n;
  check_integer(out, rules, reading, quoted(text));
}

Object Codec<std::int64_t>::schema(const Rules& rules, Definitions&) {
  Object out{{"type", "integer"}};
  if (rules.min) out["minimum"] = *rules.min;
  if (rules.max) out["maximum"] = *rules.max;
  return out;
}

}  // namespace toll::json
