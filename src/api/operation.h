// An endpoint at run time: what it says about itself, and its typed steps behind plain virtual functions, so that the
// pipeline (serve.cc) is compiled once and not once an endpoint.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.h"
#include "api/endpoint.h"
#include "api/input.h"
#include "base/ids.h"
#include "json/schema.h"

namespace toll::api {

struct Parameter {
  std::string_view name;
  json::In in;
  bool required;
  json::Object schema;
};

// For OpenAPI, the documentation, the pipeline, and the suites that walk every operation.
struct About {
  Method method;
  std::string_view path, id, summary, description, scope, surface;
  Access access;
  Runs runs;
  int status;
  bool idempotent, takes_forms, point_read, one_statement, cacheable, watches, admits_in_write;
  std::uint64_t max_body;    // of JSON, in bytes
  std::string_view answers;  // media type
  std::vector<Reason> reasons;
  std::vector<Parameter> parameters;   // path and query
  std::optional<json::Object> body;    // schema of the request body
  bool multipart = false;              // the body is a form with a file
  std::optional<json::Object> form;    // schema of the form with a file that may stand for the JSON body
  bool raw = false;                    // the body is the bytes of a file
  bool whole = false;                  // the endpoint reads the body's bytes itself; JSON among others
  bool mixed = false;                  // the body is JSON, or a form, or a form with files (MixedBody)
  std::optional<json::Object> answer;  // schema of a JSON answer
  PlaceCheck fits = nullptr;
  CallerCheck permits = nullptr;
  BodyMend mend = nullptr;
  std::string_view quota = "";

  bool streams() const { return multipart || raw; }
};

// What came out of handle(): the answer, and the answer to keep for an Idempotency-Key (without secrets).
struct Done {
  http::Response response;
  std::string kept_body;
};

// One request to one endpoint: parsed input and the steps over it. The pipeline sees that they run in order, one at a
// time.
class Work {
 public:
  virtual ~Work() = default;
  virtual CallBase& call() = 0;
  virtual bool admits() const = 0;
  virtual Result<void> admit() = 0;
  virtual Result<void> read(const Inputs& inputs) = 0;
  virtual bool prepares() const = 0;
  virtual Result<void> prepare() = 0;
  // May run more than once, when a transaction is tried again.
  virtual Result<Done> handle() = 0;
  virtual bool concludes() const = 0;
  // After the wait that handle() asked for.
  virtual Result<Done> conclude() = 0;
  virtual bool hears_refusals() const = 0;
  virtual void refused(const Fault& fault) = 0;
  virtual FormLimits form_limits() const = 0;
  virtual std::uint64_t body_limit() const = 0;  // bytes of a body that is not streamed
  // While a body that is kept whole comes in: that it has so many bytes now.
  virtual Result<void> take_up(std::uint64_t bytes) = 0;
  // The header that says how such a body is read, and so belongs to its fingerprint; empty: there is none.
  virtual std::string_view framing_header() const = 0;
};

struct Operation {
  About about;
  std::function<std::unique_ptr<Work>(Exchange& exchange, Time now)> begin;
};

}  // namespace toll::api
