// The steps that need nothing but the item: source.request, transform.map, validate.schema, sink.response.
#pragma once

#include <memory>

#include "workflows/step.h"

namespace toll::workflows::steps {

// What kind of file bytes are, when who sent them did not say or is not believed: of the first bytes, and the name.
using DetectType = std::function<std::string(std::string_view head, std::string_view name)>;
inline constexpr std::size_t detect_head_bytes = 4096;

// Gets what stands at the item's URL: the output of a source, with the file. Without one URLs are refused.
using Fetch = std::function<StepResult(const Call&, std::stop_token)>;
std::unique_ptr<StepKind> make_source_request(DetectType detect, Fetch fetch = {});
std::unique_ptr<StepKind> make_transform_map();
std::unique_ptr<StepKind> make_validate_schema();
std::unique_ptr<StepKind> make_sink_response();

// Whether a MIME type is one of the patterns: "audio/mpeg" of "audio/*", "*/*".
bool matches_type(std::string_view mime, const json::Value& patterns);

}  // namespace toll::workflows::steps
