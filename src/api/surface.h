// A surface: a dialect and a list of endpoints. Here each endpoint's types meet the pipeline.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/dialect.h"
#include "api/endpoint.h"
#include "api/operation.h"
#include "api/serve.h"

namespace toll::api {

template <class E>
concept Admits = requires(typename E::Call& call) {
  { E::admit(call) } -> std::same_as<Result<void>>;
};
template <class E>
concept ChecksMore = requires(typename E::Call& call, const typename E::Request& in, Checks& checks) {
  E::check(call, in, checks);
};
template <class E>
concept Prepares = requires(typename E::Call& call, typename E::Request& in) {
  { E::prepare(call, in) } -> std::same_as<Result<void>>;
};

template <class E>
concept Concludes = requires(typename E::Call& call, typename E::Request& in) {
  { E::conclude(call, in) } -> std::same_as<Result<typename E::Response>>;
};
template <class E>
concept HearsRefusals = requires(typename E::Call& call, const Fault& fault) {
  E::refused(call, fault);
};

template <Endpoint E>
class EndpointWork final : public Work {
 public:
  using In = typename E::Request;
  using Out = typename E::Response;

  template <class House>
  EndpointWork(House& house, std::string (*success)(std::string), Exchange& exchange, Time now)
      : call_(house, exchange, now), success_(success) {}

  CallBase& call() override { return call_; }
  bool admits() const override { return Admits<E>; }
  Result<void> admit() override {
    if constexpr (Admits<E>) return E::admit(call_);
    return {};
  }
  Result<void> read(const Inputs& inputs) override {
    Checks checks(read_inputs(inputs, in_));
    if constexpr (ChecksMore<E>) E::check(call_, in_, checks);
    if (checks.none()) return {};
    std::vector<std::string_view> names;
    json::for_each_field<In>([&](const auto& f) { names.push_back(f.name); });
    return std::move(checks).done(names);
  }
  bool prepares() const override { return Prepares<E>; }
  Result<void> prepare() override {
    if constexpr (Prepares<E>) return E::prepare(call_, in_);
    return {};
  }
  Result<Done> handle() override { return done_of(E::handle(call_, in_)); }
  bool concludes() const override { return Concludes<E>; }
  Result<Done> conclude() override {
    if constexpr (Concludes<E>) return done_of(E::conclude(call_, in_));
    return Reason::internal;
  }
  bool hears_refusals() const override { return HearsRefusals<E>; }
  void refused(const Fault& fault) override {
    if constexpr (HearsRefusals<E>) E::refused(call_, fault);
  }
  FormLimits form_limits() const override {
    if constexpr (requires { E::form_limits(call_.house); }) return E::form_limits(call_.house);
    if constexpr (requires { E::form_limits(call_); }) return E::form_limits(call_);
    return {};
  }

  std::uint64_t body_limit() const override {
    if constexpr (requires { E::body_limit(call_.house); }) return E::body_limit(call_.house);
    if constexpr (requires { E::body_limit(call_); }) return E::body_limit(call_);
    return E::max_body;
  }
  Result<void> take_up(std::uint64_t bytes) override {
    if constexpr (requires { E::take_up(call_, bytes); }) return E::take_up(call_, bytes);
    return {};
  }
  std::string_view framing_header() const override {
    if constexpr (requires { E::framing_header; }) return E::framing_header;
    return {};
  }

 private:
  Result<Done> done_of(Result<Out> out) const {
    if (!out) return std::move(out).error();
    Done done;
    if constexpr (std::is_same_v<Out, http::Response>) {
      done.response = std::move(*out);
      if (E::idempotent && done.response.fields.get("Content-Type") == "application/json")
        done.kept_body = done.response.body;
    } else {
      done.response.status = E::status;
      done.response.fields.add("Content-Type", "application/json");
      if (json::has_secret<Out>()) done.response.fields.add("Cache-Control", "no-store");
      done.response.body = success_(json::write(*out));
      if (E::idempotent)
        done.kept_body = json::has_secret<Out>() ? success_(json::write(*out, true)) : done.response.body;
    }
    return done;
  }

  typename E::Call call_;
  std::string (*success_)(std::string);
  In in_{};
};

template <Endpoint E>
About about(std::string_view surface, json::Definitions& definitions) {
  using In = typename E::Request;
  About about{E::route.method,
              E::route.path,
              E::id,
              E::summary,
              E::description,
              E::scope,
              surface,
              E::access,
              E::runs,
              E::status,
              E::idempotent,
              E::takes_forms,
              E::point_read,
              E::one_statement,
              E::cacheable,
              E::watches,
              E::admits_in_write,
              E::max_body,
              E::answers,
              {E::reasons.begin(), E::reasons.end()},
              {},
              {},
              false,
              {}};
  about.fits = E::fits;
  about.permits = E::permits;
  about.mend = E::mend;
  about.quota = E::quota;
  json::Object form;
  json::Array required;
  json::for_each_field<In>([&](const auto& f) {
    using M = typename std::remove_cvref_t<decltype(f)>::type;
    const bool optional = json::is_optional<M>::value;
    if (f.rules.in == json::In::path || f.rules.in == json::In::query)
      about.parameters.push_back({f.name, f.rules.in, !optional, json::field_schema<M>(f.doc, f.rules, definitions)});
    if (f.rules.in == json::In::form) {
      form[f.name] = json::field_schema<M>(f.doc, f.rules, definitions);
      if (!optional) required.emplace_back(f.name);
    }
    if (f.rules.in == json::In::raw) {
      about.whole = std::is_same_v<M, WholeBody>;
      about.mixed = std::is_same_v<M, MixedBody>;
      about.raw = !about.whole && !about.mixed;
      if constexpr (requires { E::body_schema(); })
        about.body = E::body_schema();
      else
        about.body = json::field_schema<M>(f.doc, f.rules, definitions);
    }
    if (f.rules.in == json::In::body && f.name.empty()) about.body = json::field_schema<M>(f.doc, f.rules, definitions);
  });
  json::Object form_schema{{"type", "object"}, {"properties", form}, {"required", required}};
  if (!form.empty() && json::has_fields_in<In>(json::In::body)) {
    about.form = std::move(form_schema);
  } else if (!form.empty()) {
    about.multipart = true;
    about.body = std::move(form_schema);
  } else if (json::has_fields_in<In>(json::In::body) && !json::whole_body<In>()) {
    about.body = json::Codec<In>::schema({}, definitions);
  }
  if constexpr (requires { typename E::Shows; })  // what an http::Response of its own holds
    about.answer = json::Codec<typename E::Shows>::schema({}, definitions);
  else if constexpr (!std::is_same_v<typename E::Response, http::Response>)
    about.answer = json::Codec<typename E::Response>::schema({}, definitions);
  return about;
}

// What `tollhouse openapi`, the docs and the suites know of a surface.
struct SurfaceDescription {
  DialectTable dialect;
  std::vector<About> operations;
  json::Definitions definitions;
};

template <Dialect D, Endpoint... Es>
SurfaceDescription describe_surface() {
  SurfaceDescription out{dialect_table<D>(), {}, {}};
  (out.operations.push_back(about<Es>(D::name, out.definitions)), ...);
  return out;
}

// A surface that serves.
struct Surface {
  const Core* core;
  DialectTable dialect;
  std::vector<std::unique_ptr<Operation>> operations;
};

template <Dialect D, Endpoint E, class House>
std::unique_ptr<Operation> bind_endpoint(House& house) {
  json::Definitions unused;
  auto operation = std::make_unique<Operation>();
  operation->about = about<E>(D::name, unused);
  operation->begin = [&house](Exchange& exchange, Time now) -> std::unique_ptr<Work> {
    return std::make_unique<EndpointWork<E>>(house, &D::success, exchange, now);
  };
  return operation;
}

// core and house must outlive the surface.
template <Dialect D, class House, Endpoint... Es>
Surface make_surface(const Core& core, House& house) {
  Surface out{&core, dialect_table<D>(), {}};
  (out.operations.push_back(bind_endpoint<D, Es>(house)), ...);
  return out;
}

}  // namespace toll::api
