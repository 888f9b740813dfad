// Fills a described request from the places its members name: path, query, form, JSON body.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/upload.h"
#include "json/schema.h"

namespace toll::api {

// application/x-www-form-urlencoded: pairs in order, decoded. Broken escapes stay as they are.
std::vector<std::pair<std::string, std::string>> parse_urlencoded(std::string_view text);

// The bytes of a whole body, as they came: for endpoints that read them with a parser of their own. In::raw.
struct WholeBody {
  std::shared_ptr<const std::string> bytes;  // never null once it was read
};

// A body that its sender may write as JSON, as a urlencoded form, or as a form with files. In::raw.
struct MixedBody {
  enum class Kind : std::uint8_t { none, json, form };
  Kind kind = Kind::none;
  json::Value json;  // of Kind::json
  Form form;         // of Kind::form
};

struct Inputs {
  std::string_view path;  // the route's template, for the names of its places
  const std::vector<std::string>* params = nullptr;
  std::vector<std::pair<std::string, std::string>> query;
  std::optional<json::Value> body;  // none: there was no body at all
  bool strict = false;              // read as the dialect's strict_bodies says
  Form form;
  bool sent_form = false;                    // of a MixedBody: it came as a form
  std::shared_ptr<const std::string> whole;  // of an endpoint with a WholeBody

  std::optional<std::string_view> text(json::In in, std::string_view name) const;
  // A part of this name in the form, file or not.
  bool has(std::string_view name) const;
};

template <class T>
concept ReadsText = requires(std::string_view text, T& out, const json::Rules& rules, json::Reading& reading) {
  json::Codec<T>::read_text(text, out, rules, reading);
};

void read_file(const Inputs& inputs, std::string_view name, UploadedFile& out, json::Reading& reading);

template <class M>
void read_input(const Inputs& inputs, M& out, std::string_view name, const json::Rules& rules, json::Reading& reading) {
  if constexpr (std::is_same_v<M, WholeBody>) {
    out.bytes = inputs.whole;
  } else if constexpr (std::is_same_v<M, MixedBody>) {
    if (inputs.sent_form)
      out = {MixedBody::Kind::form, nullptr, inputs.form};
    else if (inputs.body)
      out = {MixedBody::Kind::json, *inputs.body, {}};
  } else if constexpr (std::is_same_v<M, std::optional<UploadedFile>>) {
    if (inputs.has(name)) read_file(inputs, name, out.emplace(), reading);
  } else if constexpr (std::is_same_v<M, UploadedFile>) {
    const bool whole = rules.in == json::In::raw && !inputs.form.files.empty();
    read_file(inputs, whole ? std::string_view(inputs.form.files.front().first) : name, out, reading);
  } else if (rules.in == json::In::body) {
    if (name.empty())  // the whole body is this member
      json::Codec<M>::read(*inputs.body, out, rules, reading);
    else
      json::read_member(*inputs.body, out, name, rules, reading);
  } else if constexpr (ReadsText<M>) {
    auto text = inputs.text(rules.in, name);
    if (rules.in == json::In::form && text && text->empty()) text.reset();
    reading.enter(name);
    if (text)
      json::Codec<M>::read_text(*text, out, rules, reading);
    else if constexpr (!json::is_optional<M>::value)
      reading.refuse(Problem::missing, "is required", std::string("null"));
    reading.leave();
  }
}

// What is wrong with a request. A member that could not be read is not judged again.
class Checks {
 public:
  explicit Checks(std::vector<FieldProblem> problems) : problems_(std::move(problems)), unread_(problems_.size()) {}
  // The member's value is not acceptable; `why` is a clause. `input` is the value as sent.
  template <class V>
  void refuse(std::string_view name, const V& input, std::string why, Problem problem = Problem::rejected,
              Place place = Place::body) {
    if (!full() && !refused(name))
      problems_.push_back({place, {std::string(name)}, problem, std::move(why), json::write(input)});
  }
  // One value inside a member; each one that is refused is a problem of its own.
  template <class V>
  void refuse_at(std::vector<std::variant<std::string, std::int64_t>> path, const V& input, std::string why,
                 Place place = Place::body) {
    if (!full() && !unread(std::get<std::string>(path.front())))
      problems_.push_back({place, std::move(path), Problem::rejected, std::move(why), json::write(input)});
  }
  // The same, if there is a reason.
  template <class V>
  void refuse_if(const std::optional<std::string>& why, std::string_view name, const V& input,
                 Problem problem = Problem::rejected) {
    if (why) refuse(name, input, *why, problem);
  }
  bool none() const { return problems_.empty(); }
  bool refused(std::string_view name) const;
  // The member could not be read.
  bool unread(std::string_view name) const;
  // Problems in the order of `names`; invalid_request when there are any.
  Result<void> done(std::span<const std::string_view> names) &&;

 private:
  bool full() const { return problems_.size() >= json::Reading::most_problems; }
  std::vector<FieldProblem> problems_;
  std::size_t unread_;  // problems of reading; they come first
};

// Every problem, in the order of the table; `out` holds what could be read.
template <json::Described T>
std::vector<FieldProblem> read_inputs(const Inputs& inputs, T& out) {
  json::Reading reading(Place::body, inputs.strict);
  bool body_usable = true;
  if constexpr (json::has_fields_in<T>(json::In::body)) {
    if (!inputs.body && inputs.strict && json::body_is_optional<T>()) {
      body_usable = false;
    } else if (!inputs.body) {
      reading.refuse(Problem::no_body, "is required", std::string("null"));
      body_usable = false;
    } else if (!json::whole_body<T>() && !inputs.body->is_object()) {
      reading.refuse(Problem::not_object, "must be an object", *inputs.body);
      body_usable = false;
    }
  }
  json::for_each_field<T>([&](const auto& f) {
    const auto in = f.rules.in;
    if (in == json::In::body && !body_usable) return;
    reading.place(in == json::In::query ? Place::query : in == json::In::path ? Place::path : Place::body);
    read_input(inputs, out.*f.member, f.name, f.rules, reading);
  });
  reading.place(Place::body);
  if constexpr (json::has_fields_in<T>(json::In::body) && !json::whole_body<T>())
    if (body_usable) json::refuse_unknown_members<T>(*inputs.body, reading);
  return reading.take();
}

}  // namespace toll::api

template <>
struct toll::json::Codec<toll::api::MixedBody> {
  static Object schema(const Rules&, Definitions&) { return {{"type", "object"}}; }
};
template <>
struct toll::json::Codec<toll::api::WholeBody> {
  static Object schema(const Rules&, Definitions&) { return {{"type", "string"}, {"format", "binary"}}; }
};
