// A surface: a dialect and a list of endpoints over one core. The pipeline every request goes through stands here, once.
#pragma once

#include <boost/asio/thread_pool.hpp>

#include <memory>
#include <string>
#include <vector>

#include "api/call.h"
#include "api/dialect.h"
#include "api/endpoint.h"
#include "api/input.h"
#include "api/operation.h"
#include "async/run_on.h"
#include "http/multipart.h"
#include "identity/authenticator.h"
#include "metering/idempotency.h"
#include "sql/async.h"

namespace toll::api {

// What the pipeline itself needs; shared by all surfaces.
struct Core {
  sql::Database& db;
  const identity::Authenticator& authenticator;
  const metering::Idempotency& idempotency;
  blob::Store& store;
  const Clock& clock;
  asio::thread_pool& blocking;  // passwords, payments, probes
  asio::thread_pool& disk;      // the bytes of uploads
};

inline constexpr std::uint64_t max_json_body = 1 << 20;

// The steps of the pipeline that are the same for every endpoint.
asio::awaitable<Result<identity::Principal>> authenticate(const Core& core, const DialectTable& dialect, Access access,
                                                          std::string_view scope, const Exchange& exchange);
// The Idempotency-Key of a request to an idempotent operation; nullopt without one. Faults: bad_idempotency_key.
Result<std::optional<std::string>> idempotency_key(const http::Request& request);
std::string idempotency_scope(const identity::Principal& who, const http::Request& request);
// A JSON (or, where allowed, urlencoded) body. Empty: nullopt.
asio::awaitable<Result<std::string>> read_text_body(http::BodyReader& body, std::uint64_t limit);
Result<std::optional<json::Value>> parse_body(const http::Request& request, std::string_view text, bool takes_forms);
http::Response json_response(int status, std::string body, bool secret);
http::Response replay_response(const metering::KeptAnswer& kept);
http::Response fault_response(const DialectTable& dialect, const Fault& fault, Access access, const http::Request& request);

template <class E, class House>
concept Admits = requires(Call<House>& call) { { E::admit(call) } -> std::same_as<Result<void>>; };
template <class E, class House>
concept Prepares = requires(Call<House>& call, typename E::Request& in) { { E::prepare(call, in) } -> std::same_as<Result<void>>; };

// Serves one endpoint; one object an endpoint and request.
template <Endpoint E, class House>
class Serving {
 public:
  using In = typename E::Request;
  using Out = typename E::Response;

  Serving(const Core& core, const DialectTable& dialect, House& house, Exchange& exchange)
      : core_(core), dialect_(dialect), exchange_(exchange), call_(house, exchange.request, exchange.request_id, core.clock.now()) {}

  asio::awaitable<http::Response> run() {
    auto answer = co_await attempt();
    if (!answer && ticket_) co_await give_up();
    if (!answer) co_return fault_response(dialect_, answer.error(), E::access, exchange_.request);
    for (const auto& [name, value] : call_.reply) answer->fields.add(name, value);
    co_return std::move(*answer);
  }

 private:
  static constexpr bool multipart = json::has_fields_in<In>(json::In::form);
  static constexpr bool json_body = json::has_fields_in<In>(json::In::body);
  // The request is known before the work, so the key, the effect and the answer go into one transaction.
  static constexpr bool one_transaction = E::runs == Runs::write && !multipart;

  asio::awaitable<Result<http::Response>> attempt() {
    if constexpr (E::access != Access::open) {
      auto who = co_await authenticate(core_, dialect_, E::access, E::scope, exchange_);
      if (!who) co_return std::move(who).error();
      call_.who = std::move(*who);
      exchange_.account = call_.who.account;
      exchange_.key = call_.who.key;
    }
    if constexpr (E::idempotent) {
      auto key = idempotency_key(exchange_.request);
      if (!key) co_return std::move(key).error();
      key_ = std::move(*key);
      if constexpr (multipart)
        if (auto begun = co_await begin(std::nullopt); !begun) co_return std::move(begun).error();
    }
    if constexpr (Admits<E, House>) {
      auto admitted = co_await in_read([](auto& call) { return E::admit(call); });
      if (!admitted) co_return std::move(admitted).error();
    }
    auto inputs = co_await read_body();
    if (!inputs) co_return std::move(inputs).error();
    if constexpr (E::idempotent && !multipart && !one_transaction)
      if (auto begun = co_await begin(fingerprint_); !begun) co_return std::move(begun).error();
    if (replay_) {
      if (auto same = replay_->matches(fingerprint_); !same) co_return std::move(same).error();
      co_return replay_response(replay_->answer);
    }
    auto in = read_inputs<In>(*inputs);
    if (!in) co_return std::move(in).error();
    if constexpr (Prepares<E, House>) {
      auto ready = co_await async::run_on(core_.blocking, [&] { return E::prepare(call_, *in); });
      if (!ready) co_return std::move(ready).error();
    }
    co_return co_await work(std::move(*in));
  }

  asio::awaitable<Result<Inputs>> read_body() {
    Inputs inputs;
    inputs.path = E::route.path;
    inputs.params = &exchange_.params;
    inputs.query = parse_urlencoded(exchange_.request.query);
    if constexpr (multipart) {
      if (auto boundary = http::multipart_boundary(exchange_.request.fields.get("Content-Type"))) {
        auto form = co_await read_form(exchange_.body, *boundary, E::form_limits(call_.house), replay_ ? nullptr : &core_.store, core_.disk);
        if (!form) co_return std::move(form).error();
        inputs.form = std::move(*form);
      }
      fingerprint_ = inputs.form.fingerprint();
    } else if constexpr (json_body || E::idempotent) {
      auto text = co_await read_text_body(exchange_.body, max_json_body);
      if (!text) co_return std::move(text).error();
      fingerprint_ = hex(sha256(*text));
      if constexpr (json_body) {
        auto value = parse_body(exchange_.request, *text, E::takes_forms);
        if (!value) co_return std::move(value).error();
        inputs.body = std::move(*value);
      }
    }
    co_return inputs;
  }

  asio::awaitable<Result<http::Response>> work(In in) {
    if constexpr (E::runs == Runs::here) {
      co_return render(E::handle(call_, std::move(in)));
    } else if constexpr (E::runs == Runs::read) {
      co_return co_await in_read([this, &in](auto& call) { return render(E::handle(call, in)); });
    } else if constexpr (E::runs == Runs::write) {
      co_return co_await sql::write(core_.db, [this, &in](sql::Tx& tx) -> Result<http::Response> { return write_once(tx, in); });
    } else {
      auto done = co_await async::run_on(core_.blocking, [this, &in] { return E::handle(call_, std::move(in)); });
      if (done && ticket_)
        if (auto kept = co_await sql::write(core_.db, [this, &done](sql::Tx& tx) { return keep(tx, *done); }); !kept) co_return std::move(kept).error();
      co_return render(std::move(done));
    }
  }

  // May run more than once: `in` stays as it is.
  Result<http::Response> write_once(sql::Tx& tx, const In& in) {
    if constexpr (E::idempotent && one_transaction) {
      if (key_) {
        auto begun = core_.idempotency.begin(tx, idempotency_scope(call_.who, exchange_.request), *key_, fingerprint_);
        if (!begun) return std::move(begun).error();
        if (auto* replay = std::get_if<metering::Replay>(&*begun)) return replay_response(replay->answer);
        ticket_ = std::get<metering::Proceed>(*begun).ticket;
      }
    }
    call_.reply = {};  // of an earlier run
    call_.enter(&tx);
    auto done = E::handle(call_, in);
    call_.enter(nullptr);
    if constexpr (one_transaction) {
      // The row of the key is part of this transaction, undone with it.
      auto ticket = std::exchange(ticket_, std::nullopt);
      if (done && ticket)
        if (auto kept = core_.idempotency.complete(tx, *ticket, fingerprint_, kept_answer(*done)); !kept) return std::move(kept).error();
    } else {
      if (done && ticket_)
        if (auto kept = keep(tx, *done); !kept) return std::move(kept).error();
    }
    return render(std::move(done));
  }

  template <class F>
  auto in_read(F f) -> asio::awaitable<std::invoke_result_t<F, Call<House>&>> {
    using T = std::invoke_result_t<F, Call<House>&>;
    auto body = [this, &f](sql::Tx& tx) {
      call_.enter(&tx);
      T out = f(call_);
      call_.enter(nullptr);
      return out;
    };
    if (E::point_read && core_.db.reads_are_cheap()) {
      std::optional<T> out;
      core_.db.read_here([&](sql::Tx& tx) { return out.emplace(body(tx)), true; });
      co_return std::move(*out);
    }
    co_return co_await sql::read(core_.db, body);
  }

  asio::awaitable<Result<void>> begin(std::optional<std::string> fingerprint) {
    if (!key_) co_return Result<void>();
    const auto scope = idempotency_scope(call_.who, exchange_.request);
    auto body = [&](sql::Tx& tx) {
      return core_.idempotency.begin(tx, scope, *key_, fingerprint ? std::optional<std::string_view>(*fingerprint) : std::nullopt);
    };
    auto begun = co_await sql::write(core_.db, body);
    if (!begun) co_return std::move(begun).error();
    if (auto* replay = std::get_if<metering::Replay>(&*begun)) {
      replay_ = std::move(*replay);
      call_.replaying = true;
    } else {
      ticket_ = std::get<metering::Proceed>(*begun).ticket;
    }
    co_return Result<void>();
  }

  asio::awaitable<void> give_up() {
    co_await sql::write(core_.db, [this](sql::Tx& tx) { return core_.idempotency.abandon(tx, *ticket_), true; });
  }

  Result<void> keep(sql::Tx& tx, const Out& out) { return core_.idempotency.complete(tx, *ticket_, fingerprint_, kept_answer(out)); }

  metering::KeptAnswer kept_answer(const Out& out) const {
    metering::KeptAnswer kept;
    kept.status = E::status;
    if constexpr (!std::is_same_v<Out, http::Response>) kept.body = dialect_.success(json::write(out, true));
    return kept;
  }

  Result<http::Response> render(Result<Out> done) {
    if (!done) return std::move(done).error();
    if constexpr (std::is_same_v<Out, http::Response>)
      return std::move(*done);
    else
      return json_response(E::status, dialect_.success(json::write(*done)), json::has_secret<Out>());
  }

  const Core& core_;
  const DialectTable& dialect_;
  Exchange& exchange_;
  Call<House> call_;
  std::optional<std::string> key_;
  std::optional<metering::Ticket> ticket_;
  std::optional<metering::Replay> replay_;
  std::string fingerprint_;
};

template <Endpoint E>
About about(std::string_view surface, json::Definitions& definitions) {
  using In = typename E::Request;
  About about{E::route.method, E::route.path, E::id, E::summary, E::description, E::scope, surface, E::access, E::status,
              E::idempotent, E::takes_forms, E::answers, {E::reasons.begin(), E::reasons.end()}, {}, {}, false, {}};
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
    if (f.rules.in == json::In::body && f.name.empty()) about.body = json::field_schema<M>(f.doc, f.rules, definitions);
  });
  if (!form.empty()) {
    about.multipart = true;
    about.body = json::Object{{"type", "object"}, {"properties", form}, {"required", required}};
  } else if (json::has_fields_in<In>(json::In::body) && !json::whole_body<In>()) {
    about.body = json::Codec<In>::schema({}, definitions);
  }
  if constexpr (!std::is_same_v<typename E::Response, http::Response>) about.answer = json::Codec<typename E::Response>::schema({}, definitions);
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
  DialectTable dialect;
  std::vector<std::unique_ptr<Operation>> operations;
};

template <Endpoint E, class House>
asio::awaitable<http::Response> serve_endpoint(const Core& core, const DialectTable& dialect, House& house, Exchange& exchange) {
  Serving<E, House> serving(core, dialect, house, exchange);
  co_return co_await serving.run();
}

template <Endpoint E, class House>
std::unique_ptr<Operation> bind_endpoint(const Core& core, const DialectTable& dialect, House& house) {
  json::Definitions unused;
  auto operation = std::make_unique<Operation>();
  operation->about = about<E>(dialect.name, unused);
  operation->serve = [&core, dialect = std::make_shared<const DialectTable>(dialect), &house](Exchange& exchange) -> asio::awaitable<http::Response> {
    return serve_endpoint<E>(core, *dialect, house, exchange);
  };
  return operation;
}

// core and house must outlive the surface.
template <Dialect D, class House, Endpoint... Es>
Surface make_surface(const Core& core, House& house) {
  Surface out{dialect_table<D>(), {}};
  (out.operations.push_back(bind_endpoint<Es>(core, out.dialect, house)), ...);
  return out;
}

}  // namespace toll::api
