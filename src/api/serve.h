// The way of every request: credential, admission, body, parsing, preparation, work; once for all endpoints.
#pragma once

#include <boost/asio/thread_pool.hpp>

#include "api/dialect.h"
#include "api/gate.h"
#include "api/operation.h"
#include "blob/store.h"
#include "metering/idempotency.h"
#include "metering/quota.h"
#include "sql/database.h"

namespace toll::api {

// What the pipeline itself needs; shared by all surfaces.
struct Core {
  sql::Database& db;
  const Gate& gate;
  const metering::Idempotency& idempotency;
  blob::Store& store;
  const Clock& clock;
  asio::thread_pool& blocking;         // passwords, payments
  asio::thread_pool& preparing;        // slow work before the transaction: measuring what was uploaded
  asio::thread_pool& disk;             // the bytes of uploads
  metering::Quotas* quotas = nullptr;  // of endpoints that take from one
};

// A fault never leaves as an exception; what does is a broken invariant or a lost resource.
asio::awaitable<http::Response> serve(const Core& core, const DialectTable& dialect, const Operation& operation,
                                      Exchange& exchange);

// The answer to a path or method that no operation has: `fault`, unless the caller does not come through the gate.
// Only on surfaces that count calls are credentials looked at.
asio::awaitable<http::Response> serve_unknown(const Core& core, const DialectTable& dialect, const Fault& fault,
                                              Exchange& exchange);

http::Response fault_response(const DialectTable& dialect, const Fault& fault, Access access,
                              const http::Request& request);

}  // namespace toll::api
