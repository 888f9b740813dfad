// A small HTTP client: one request, one answer, bounded in time and size. TLS verified against the system's roots.
#pragma once

#include <chrono>
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
};

struct ClientResponse {
  int status = 0;
  Fields fields;
  std::string body;
};

// Faults: upstream_failed for every transport failure, with the cause; a status is not a fault. Runs on the
// calling coroutine's executor.
asio::awaitable<Result<ClientResponse>> fetch(ClientRequest request);

}  // namespace toll::http
