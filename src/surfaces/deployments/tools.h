// The tools that deployments are to models: what they are called, what they take, what they do.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/parse.h"
#include "surfaces/deployments/run.h"

namespace toll::deployed::tools {

inline constexpr std::string_view read_me_first = "readMeFirst", get_api_info = "getApiInfo",
                                  extract_document = "extractDocument", get_status = "getExecutionStatus",
                                  execute_workflow = "executeWorkflow", get_result = "getExecutionResult",
                                  cancel_execution = "cancelExecution";

// Of one deployment. `documented`: with the three that came later.
json::Array of_deployment(const Entry& entry, bool documented);
// A deployment as one tool under this name.
json::Object run_tool(const Entry& entry, const std::string& name);
// getExecutionStatus, getExecutionResult, cancelExecution.
json::Array of_executions();

json::Object introduction(const Entry& entry);
json::Object information(const Entry& entry);

// What a run's arguments say, as the fields of a call. Of extractDocument the documents are files by URL.
// Faults: invalid_request.
Result<json::Object> call_of(std::string_view tool, const json::Object& arguments);

}  // namespace toll::deployed::tools
