// What a call of a deployed workflow says: JSON, a form, or a form with files, read with every problem at once.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/input.h"
#include "base/result.h"
#include "deployments/deployment.h"
#include "surfaces/deployments/fields.h"
#include "workflows/execution.h"

namespace toll::deployed {

// What an answer shows besides.
struct Include {
  bool metadata = false, metrics = false, text = false;
};

struct ReadOrder {
  json::Object input_data, parameters, custom_data;
  bool has_input = false;  // input_data was there
  std::vector<workflows::Upload> files;
  std::vector<std::string> presigned_urls;
  std::int64_t timeout = -1;  // seconds; at most 0: answer at once
  Include include;
  bool use_history = false;
  std::string tag;
};

// What the endpoint and the workflow demand of a call.
struct Demands {
  bool compat = false;
  bool takes_files = false;      // the workflow has a source.request
  std::int64_t most_files = 32;  // of the workflow and deployment
};

inline constexpr std::int64_t longest_wait = 300;
inline constexpr std::size_t most_files_of_compat = 32, longest_url = 8192;

// Faults: malformed_json, invalid_request.
Result<ReadOrder> read_order(const api::MixedBody& body, const Demands& demands);
// The fields of a body that is JSON already: for tools of MCP.
Result<ReadOrder> read_order(const json::Object& body, const Demands& demands);

// The execution that is asked for, with all that is large in `read`. The deployment's parameters lie under those of the
// call.
workflows::Order order_of(const deployments::Deployment& deployment, ReadOrder&& read);

}  // namespace toll::deployed
