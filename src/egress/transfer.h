// One hop of a request: one address, no redirects. Private to egress/.
#pragma once

#include <curl/curl.h>

#include "egress/client.h"
#include "egress/target.h"

namespace toll::egress {

struct Hop {
  const Request& request;
  std::string method;
  std::vector<std::pair<std::string, std::string>> headers;
  bool with_body = true;
  Target target;
  std::vector<Address> addresses;  // those that may be connected to
  std::chrono::milliseconds left;  // of request.most_time
};

struct Landing {
  Response response;
  std::string redirect;  // the absolute URL that a 3xx answer leads to; empty: nowhere
};

// `take` gets the bytes of an answer that is 2xx; null: they go to response.body like all others.
Result<Landing> transfer(const Hop& hop, const Take* take, const std::stop_token& stop);

}  // namespace toll::egress
