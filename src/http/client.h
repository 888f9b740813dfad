// A small HTTP client: one request, one answer, bounded in time and size. TLS verified against the system's roots.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <functional>
#include <string>

#include "http/message.h"

namespace toll::http {

struct ClientRequest {
  Method method = Method::get;
  std::string url;  // http:// or https://
  Fields fields;
  std::string body;
  std::chrono::seconds timeout{15};
  std::size_t max_response = 1 << 20;
  // Asked of every resolved address before it is connected to; empty: all are allowed. The name is resolved once, so
  // what was checked is what is used.
  std::function<bool(const asio::ip::address&)> allows;
};

struct ClientResponse {
  int status = 0;
  Fields fields;
  std::string body;
};

// Faults: upstream_failed for every transport failure, with the cause; a status is not a fault. Redirects are answers
// like others. Runs on the calling coroutine's executor.
asio::awaitable<Result<ClientResponse>> fetch(ClientRequest request);

}  // namespace toll::http
