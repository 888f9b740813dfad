// One HTTP request of libcurl: where its bytes go, and what the head of its answer says. Private to hub/.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/fault.h"
#include "tollhouse/hub/options.h"

namespace toll::app::hub {

struct Asked {
  std::string url;
  std::uint64_t offset = 0;    // the bytes before it are here
  std::string unless_changed;  // with an offset: the rest only if the validator is still this one (If-Range)
  std::chrono::milliseconds most_time{0};  // for all of it; 0: no bound
};

// Of the last answer, where it redirects.
struct Head {
  long status = 0;
  std::string link, content_range, etag, last_modified;
  std::optional<std::uint64_t> content_length;
  std::chrono::seconds retry_after{0};
};

// Whether the bytes are wanted; false ends the transfer.
using Take = std::function<bool(std::string_view bytes)>;

struct Outcome {
  CURLcode code = CURLE_OK;
  long status = 0;
  std::string error;
  // Another attempt may succeed.
  bool passing() const;
  // What went wrong, without where.
  std::string text() const;
};

// Redirects are followed to http and https only, ten of them, and from https never to http; a proxy is taken from the
// environment. `head` is that of the answer whose bytes come. Blocking. What `take` throws comes out of it.
Outcome perform(const Options& options, const Asked& asked, Head& head, const Take& take);

// not_found for what is not there or not for us, else upstream_failed; the cause says where and why.
Fault fault_of(const std::string& url, const Outcome& outcome);

}  // namespace toll::app::hub
