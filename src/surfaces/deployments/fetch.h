// Files that a call names by presigned URLs: fetched before the call is accepted.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "blob/store.h"
#include "egress/client.h"
#include "workflows/execution.h"

namespace toll::deployed {

struct FetchRules {
  const egress::Client& client;
  blob::Store& store;
  std::vector<std::string> hosts;  // besides those of S3, with or without a port
  std::string own_origin;          // of our own object store
  std::uint64_t most_bytes = 0;    // of a file
};

// Blocking, a minute at most. All URLs are looked at before the first is fetched. Faults: invalid_request (a URL of a
// host that is not taken, or an answer that is none, at presigned_urls); upload_too_large; fetch_failed,
// fetch_timed_out.
Result<std::vector<workflows::Upload>> fetch_presigned(const std::vector<std::string>& urls, const FetchRules& rules);

// Whether files of this URL are taken at all.
bool presigned_host_allowed(std::string_view url, const std::vector<std::string>& hosts, std::string_view own_origin);

}  // namespace toll::deployed
