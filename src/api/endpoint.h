// An endpoint is one plain struct:
//
//   struct GetJob : stems::Endpoint {                                      // api::Defaults and the surface's Call
//     struct Request { std::string id; };                                  // described by json::Schema
//     using Response = JobView;                                            // described too, or http::Response
//     static constexpr Route route{Method::get, "/jobs/{id}"};
//     static constexpr std::string_view id = "stems.jobs.get", summary = "One job";
//     static constexpr std::array reasons{Reason::job_not_found};
//     static Result<Response> handle(Call& call, Request in);
//   };
//
// The way of a request: credential -> admit() -> body -> parse -> prepare() -> handle() -> conclude(). handle() is a
// plain function that runs where Runs says, usually on a database thread inside one transaction. Five members are
// optional:
//   static void check(Call&, const Request&, Checks&)      what the table of members cannot say; its problems join
//                                                          those of parsing
//   static Result<void> admit(Call&)                       before a byte of the body is read, in a reading transaction
//                                                          (admits_in_write: in a writing one)
//   static Result<void> prepare(Call&, Request&)           slow work after parsing, on the pool for blocking calls, no
//                                                          transaction
//   static Result<Response> conclude(Call&, Request&)      where handle() has set Call::linger: the answer after that
//                                                          wait, in a reading transaction
//   static void refused(Call&, const Fault&)               of a request that was admitted and then refused, in a
//                                                          writing transaction of its own, before the answer goes out
#pragma once

#include <array>
#include <concepts>
#include <string_view>
#include <type_traits>

#include "base/result.h"
#include "http/message.h"
#include "identity/principal.h"
#include "json/schema.h"

namespace toll::api {

namespace asio = boost::asio;
using http::Method;

struct Route {
  Method method;
  std::string_view path;  // "/jobs/{id}"; "{name...}" takes the rest of the path, slashes included
};

// Who may call. A surface's dialect decides how a refusal looks.
enum class Access : std::uint8_t {
  open,     // anybody
  either,   // a session or a key of the surface
  session,  // a session only
  admin,    // a session of an administrator
  page      // HTML: as either, and the session cookie; a browser without one is sent to the login page
};

// Where handle() runs.
enum class Runs : std::uint8_t {
  here,     // on the connection's thread: no transaction, no waiting
  read,     // in a reading transaction
  write,    // in a writing transaction; with an Idempotency-Key its answer is kept in the same one
  blocking  // on the pool for blocking calls (password hashes, payments), opening its own transactions
};

// Whether a place of a route takes a value (percent-decoded); where it does not, the path is unknown.
using PlaceCheck = bool (*)(std::string_view place, std::string_view value);
// Whether a caller of this kind may come at all; before the body, without the database.
using CallerCheck = Result<void> (*)(const identity::Principal& who);
// What a body that is no JSON was meant to be; nullopt: nobody knows. For published examples that send it broken.
using BodyMend = std::optional<std::string> (*)(std::string_view body);

// What an endpoint says unless it says otherwise.
struct Defaults {
  static constexpr PlaceCheck fits = nullptr;
  static constexpr CallerCheck permits = nullptr;
  static constexpr BodyMend mend = nullptr;
  static constexpr int status = 200;
  static constexpr Access access = Access::either;
  static constexpr Runs runs = Runs::read;
  static constexpr std::string_view scope = "";  // of keys; empty: any key
  static constexpr std::string_view description = "";
  static constexpr bool idempotent = false;  // takes an Idempotency-Key
  // Of callers with absolute quotas (Principal::quotas): which one a call takes a unit of, whatever becomes of it.
  static constexpr std::string_view quota = "";
  // A read of a few rows, or an admit() that is one: may run on the connection's thread.
  static constexpr bool point_read = false;
  static constexpr bool one_statement = false;  // of a point read: handle() runs at most one
  // admit() writes, and what it wrote stays whatever becomes of the request, also when it refuses.
  static constexpr bool admits_in_write = false;
  // The answer to a GET depends on the account, the target and the database alone: it may be given again until
  // somebody commits something.
  static constexpr bool cacheable = false;
  // Call::client tells a handle() that blocks when the client has hung up.
  static constexpr bool watches = false;
  static constexpr bool takes_forms = false;          // the body may be urlencoded instead of JSON
  static constexpr std::uint64_t max_body = 1 << 20;  // bytes of a JSON body
  static constexpr std::string_view answers = "application/json";
  static constexpr std::array<Reason, 0> reasons{};
};

// A request without parameters.
struct Nothing {};

template <class T>
concept WireAnswer = std::same_as<T, http::Response> || requires(std::string& out, const T& v) {
  json::Codec<T>::write(out, v, false);
};

template <class E>
concept Endpoint = json::Described<typename E::Request> && WireAnswer<typename E::Response> &&
    requires(typename E::Call& call, typename E::Request in) {
  { E::route } -> std::convertible_to<Route>;
  { E::id } -> std::convertible_to<std::string_view>;
  { E::summary } -> std::convertible_to<std::string_view>;
  { E::access } -> std::convertible_to<Access>;
  { E::handle(call, std::move(in)) } -> std::same_as<Result<typename E::Response>>;
};

}  // namespace toll::api

template <>
struct toll::json::Schema<toll::api::Nothing> {
  static constexpr std::string_view name = "Nothing";
  static constexpr auto fields = std::tuple{};
};
