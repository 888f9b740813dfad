// The meaning of each member of a described type stands in one table:
//
//   struct Rename { std::string id; std::string name; };
//   template <> struct json::Schema<Rename> {
//     static constexpr std::string_view name = "RenameKey";
//     static constexpr auto fields = std::tuple{
//         field(&Rename::id, "key_id", "The key's id.", {.in = In::path}),
//         field(&Rename::name, "name", "The new name.", {.min = 1, .max = 64, .example = "ci"})};
//   };
//
// From it come reading with all problems at once, writing, JSON Schema, and redaction. A member that is missing from
// the table does not compile. How a C++ type looks in JSON is its Codec; a surface adds codecs for types of its own.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/pfr/tuple_size.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "base/fault.h"
#include "json/parse.h"

namespace toll::json {

// Where a member of a request comes from. Responses are all body.
// raw: the whole body as bytes, streamed to the store (api::UploadedFile).
enum class In : std::uint8_t { body, query, path, form, raw };

struct Rules {
  In in = In::body;
  std::optional<std::int64_t> min{}, max{};  // of a number; of a text's or list's length
  std::string_view example{};
  bool secret = false;     // never kept, never logged: written as null in a redacted copy
  bool judged = false;     // the endpoint's check() judges which characters it may have
  bool omit_null = false;  // an absent optional is left out instead of written as null
};

template <class Owner, class Member>
struct Field {
  Member Owner::*member;
  std::string_view name, doc;
  Rules rules;
  using type = Member;
};

template <class Owner, class Member>
constexpr auto field(Member Owner::*member, std::string_view name, std::string_view doc, Rules rules = {}) {
  return Field<Owner, Member>{member, name, doc, rules};
}

template <class T>
struct Schema;

template <class T>
concept Described = requires {
  { Schema<T>::name } -> std::convertible_to<std::string_view>;
  Schema<T>::fields;
};

template <Described T>
consteval bool complete() {
  return std::tuple_size_v<std::remove_cvref_t<decltype(Schema<T>::fields)>> == boost::pfr::tuple_size_v<T>;
}

template <Described T, class F>
constexpr void for_each_field(F&& f) {
  static_assert(complete<T>(), "every member of a described type stands in its Schema");
  std::apply([&](const auto&... fields) { (f(fields), ...); }, Schema<T>::fields);
}

// Collects what is wrong while a value is read; knows where it stands.
// A strict one also refuses members that nobody declared, integers as texts, and control characters but tab and line
// feed in any text. Beyond most_problems they are not kept: an answer is not to grow with what was sent.
class Reading {
 public:
  static constexpr std::size_t most_problems = 100;
  explicit Reading(Place place, bool strict = false) : place_(place), strict_(strict) {}
  bool strict() const { return strict_; }
  void enter(std::string_view name) { path_.emplace_back(std::string(name)); }
  void enter(std::int64_t index) { path_.emplace_back(index); }
  void leave() { path_.pop_back(); }
  void place(Place place) { place_ = place; }
  // There are as many problems as are kept: looking for more is of no use.
  bool full() const { return problems_.size() >= most_problems; }
  void refuse(Problem problem, std::string message, std::string input) {
    if (full()) return;
    problems_.push_back({place_, path_, problem, std::move(message), std::move(input)});
  }
  void refuse(Problem problem, std::string message, const Value& input) {
    if (!full()) refuse(problem, std::move(message), boost::json::serialize(input));
  }
  void refuse_text(std::string message, std::string_view input);
  // A declared bound is broken.
  void refuse(Bound bound, std::int64_t limit, std::string message, std::string input, std::string_view pattern = {}) {
    if (full()) return;
    refuse(Problem::rejected, std::move(message), std::move(input));
    problems_.back().bound = bound;
    problems_.back().limit = limit;
    problems_.back().pattern = pattern;
  }
  bool ok() const { return problems_.empty(); }
  FieldProblem& last() { return problems_.back(); }
  std::vector<FieldProblem> take() { return std::move(problems_); }

 private:
  Place place_;
  bool strict_;
  std::vector<std::variant<std::string, std::int64_t>> path_;
  std::vector<FieldProblem> problems_;
};

// Codec<T>: read(value, out, rules, reading) from JSON; read_text(text, out, rules, reading) from a path, query or form
// value; write(out, v, redact); schema(rules, definitions).
template <class T>
struct Codec;

using Definitions = Object;  // components/schemas, filled as types are met

template <>
struct Codec<std::string> {
  static void read(const Value& v, std::string& out, const Rules& rules, Reading& reading);
  static void read_text(std::string_view text, std::string& out, const Rules& rules, Reading& reading);
  static void write(std::string& out, std::string_view v, bool) { append_string(out, v); }
  static Object schema(const Rules& rules, Definitions&);
};

template <>
struct Codec<bool> {
  static void read(const Value& v, bool& out, const Rules&, Reading& reading);
  static void read_text(std::string_view text, bool& out, const Rules&, Reading& reading);
  static void write(std::string& out, bool v, bool) { out += v ? "true" : "false"; }
  static Object schema(const Rules& rules, Definitions&);
};

template <>
struct Codec<std::int64_t> {
  static void read(const Value& v, std::int64_t& out, const Rules& rules, Reading& reading);
  // " 4 " and "4.0" are integers, "4.5" is none.
  static void read_text(std::string_view text, std::int64_t& out, const Rules& rules, Reading& reading);
  static void write(std::string& out, std::int64_t v, bool) { out += std::to_string(v); }
  static Object schema(const Rules& rules, Definitions&);
};

template <>
struct Codec<int> {
  static void read(const Value& v, int& out, const Rules& rules, Reading& reading) {
    narrow(out, [&](auto& wide) { Codec<std::int64_t>::read(v, wide, rules, reading); });
  }
  static void read_text(std::string_view text, int& out, const Rules& rules, Reading& reading) {
    narrow(out, [&](auto& wide) { Codec<std::int64_t>::read_text(text, wide, rules, reading); });
  }
  static void write(std::string& out, int v, bool) { out += std::to_string(v); }
  static Object schema(const Rules& rules, Definitions& all) { return Codec<std::int64_t>::schema(rules, all); }

 private:
  template <class F>
  static void narrow(int& out, F read_wide) {
    std::int64_t wide = out;
    read_wide(wide);
    out = static_cast<int>(std::clamp<std::int64_t>(wide, INT32_MIN, INT32_MAX));
  }
};

// Any JSON value, as it is.
template <>
struct Codec<Value> {
  static void read(const Value& v, Value& out, const Rules&, Reading& reading);
  static void write(std::string& out, const Value& v, bool) { out += boost::json::serialize(v); }
  static Object schema(const Rules&, Definitions&) { return {}; }
};

// Present in an answer as null when empty; absent or null in a request.
template <class T>
struct Codec<std::optional<T>> {
  static void read(const Value& v, std::optional<T>& out, const Rules& rules, Reading& reading) {
    if (!v.is_null()) Codec<T>::read(v, out.emplace(), rules, reading);
  }
  static void read_text(std::string_view text, std::optional<T>& out, const Rules& rules, Reading& reading) requires
      requires(T& inner) {
    Codec<T>::read_text(text, inner, rules, reading);
  }
  {
    if (!text.empty()) Codec<T>::read_text(text, out.emplace(), rules, reading);
  }
  static void write(std::string& out, const std::optional<T>& v, bool redact) {
    if (v)
      Codec<T>::write(out, *v, redact);
    else
      out += "null";
  }
  static Object schema(const Rules& rules, Definitions& all) {
    Object inner = Codec<T>::schema(rules, all);
    if (auto* type = inner.if_contains("type"); type && type->is_string()) {
      *type = Array{*type, "null"};
      return inner;
    }
    return {{"anyOf", Array{inner, Object{{"type", "null"}}}}};
  }
};

template <class T>
struct Codec<std::vector<T>> {
  static void read(const Value& v, std::vector<T>& out, const Rules& rules, Reading& reading) {
    if (!v.is_array()) return reading.refuse(Problem::not_list, "must be a list", v);
    const auto size = static_cast<std::int64_t>(v.get_array().size());
    if ((rules.min && size < *rules.min) || (rules.max && size > *rules.max))
      return reading.refuse(Problem::rejected,
                            "must have " + std::to_string(rules.min.value_or(0)) + " to " +
                                std::to_string(rules.max.value_or(0)) + " items",
                            v);
    for (std::int64_t i = 0; i < size; ++i) {
      reading.enter(i);
      Codec<T>::read(v.get_array()[static_cast<std::size_t>(i)], out.emplace_back(), {}, reading);
      reading.leave();
    }
  }
  static void write(std::string& out, const std::vector<T>& v, bool redact) {
    out += '[';
    for (std::size_t i = 0; i < v.size(); ++i) {
      if (i) out += ',';
      Codec<T>::write(out, v[i], redact);
    }
    out += ']';
  }
  static Object schema(const Rules& rules, Definitions& all) {
    Object out{{"type", "array"}, {"items", Codec<T>::schema({}, all)}};
    if (rules.min) out["minItems"] = *rules.min;
    if (rules.max) out["maxItems"] = *rules.max;
    return out;
  }
};

// Of a change: absent leaves what is there; null is a value like any other, so it is refused unless T takes it
// (Given<std::optional<U>>).
template <class T>
struct Given : std::optional<T> {
  using std::optional<T>::optional;
};

template <class T>
struct Codec<Given<T>> {
  static void read(const Value& v, Given<T>& out, const Rules& rules, Reading& reading) {
    Codec<T>::read(v, out.emplace(), rules, reading);
  }
  static Object schema(const Rules& rules, Definitions& all) { return Codec<T>::schema(rules, all); }
};

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_optional<Given<T>> : std::true_type {};

template <class Member>
Object field_schema(std::string_view doc, const Rules& rules, Definitions& all) {
  Object out = Codec<Member>::schema(rules, all);
  if (!doc.empty()) out["description"] = doc;
  if (!rules.example.empty()) {
    auto parsed = parse(rules.example);
    out["examples"] = Array{parsed && !parsed->is_string() ? *parsed : Value(rules.example)};
  }
  return out;
}

// A member of a JSON object that is known to be one.
template <class M>
void read_member(const Value& body, M& out, std::string_view name, const Rules& rules, Reading& reading) {
  const Value* member = body.get_object().if_contains(name);
  reading.enter(name);
  if (member)
    Codec<M>::read(*member, out, rules, reading);
  else if constexpr (!is_optional<M>::value)
    reading.refuse(Problem::missing, "is required", body);
  reading.leave();
}

// Of an object, when reading is strict.
template <Described T>
void refuse_unknown_members(const Value& object, Reading& reading) {
  if (!reading.strict()) return;
  for (const auto& member : object.get_object()) {
    if (reading.full()) return;
    const std::string_view name = member.key();
    bool known = false;
    for_each_field<T>([&](const auto& f) { known = known || (f.rules.in == In::body && f.name == name); });
    if (known) continue;
    reading.enter(name);
    reading.refuse(Problem::rejected, "is not a field of this request", member.value());
    reading.leave();
  }
}

template <Described T>
struct Codec<T> {
  static void read(const Value& v, T& out, const Rules&, Reading& reading) {
    if (!v.is_object()) return reading.refuse(Problem::not_object, "must be an object", v);
    for_each_field<T>([&](const auto& f) {
      if (f.rules.in == In::body) read_member(v, out.*f.member, f.name, f.rules, reading);
    });
    refuse_unknown_members<T>(v, reading);
  }
  static void write(std::string& out, const T& v, bool redact) {
    char separator = '{';
    for_each_field<T>([&](const auto& f) { write_member(out, separator, v.*f.member, f.name, f.rules, redact); });
    if (separator == '{') out += separator;
    out += '}';
  }
  template <class M>
  static void write_member(std::string& out, char& separator, const M& v, std::string_view name, const Rules& rules,
                           bool redact) {
    if constexpr (is_optional<M>::value)
      if (rules.omit_null && !v) return;
    out += separator;
    separator = ',';
    out += '"';
    out += name;
    out += "\":";
    if (redact && rules.secret)
      out += "null";
    else
      Codec<M>::write(out, v, redact);
  }
  static Object schema(const Rules&, Definitions& all) {
    if (!all.contains(Schema<T>::name)) {
      all[Schema<T>::name] = nullptr;  // a type that holds itself finds its name taken
      all[Schema<T>::name] = object_schema(all);
    }
    return {{"$ref", "#/components/schemas/" + std::string(Schema<T>::name)}};
  }
  static Object object_schema(Definitions& all) {
    Object properties;
    Array required;
    for_each_field<T>([&](const auto& f) {
      using M = typename std::remove_cvref_t<decltype(f)>::type;
      if (f.rules.in != In::body) return;
      properties[f.name] = field_schema<M>(f.doc, f.rules, all);
      if (!is_optional<M>::value) required.emplace_back(f.name);
    });
    Object out{{"type", "object"}, {"properties", std::move(properties)}};
    if (!required.empty()) out["required"] = std::move(required);
    return out;
  }
};

template <Described T>
constexpr bool has_fields_in(In in) {
  bool found = false;
  for_each_field<T>([&](const auto& f) { found = found || f.rules.in == in; });
  return found;
}

// Nothing of the body is required: an absent body is an empty object where reading is strict.
template <Described T>
constexpr bool body_is_optional() {
  bool optional = true;
  for_each_field<T>([&](const auto& f) {
    if (f.rules.in == In::body)
      optional = optional && is_optional<typename std::remove_cvref_t<decltype(f)>::type>::value;
  });
  return optional;
}

// A body that is one member as a whole (a bare list): the only body field, with an empty name.
template <Described T>
constexpr bool whole_body() {
  bool found = false;
  for_each_field<T>([&](const auto& f) { found = found || (f.rules.in == In::body && f.name.empty()); });
  return found;
}

template <class T>
constexpr bool has_secret() {
  bool found = false;
  if constexpr (Described<T>) for_each_field<T>([&](const auto& f) { found = found || f.rules.secret; });
  return found;
}

template <class T>
std::string write(const T& v, bool redact = false) {
  std::string out;
  out.reserve(512);
  Codec<T>::write(out, v, redact);
  return out;
}

// The whole text as a T. Faults: malformed_json; invalid_request with every problem.
template <class T>
Result<T> read(std::string_view text) {
  auto value = parse(text);
  if (!value) return std::move(value).error();
  T out{};
  Reading reading(Place::body);
  Codec<T>::read(*value, out, {}, reading);
  if (!reading.ok()) return Fault(Reason::invalid_request).at(reading.take());
  return out;
}

}  // namespace toll::json
