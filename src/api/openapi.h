// OpenAPI 3.1 and documentation pages, generated from the operations that run.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/surface.h"

namespace toll::api {

struct OpenApiInfo {
  std::string title = "Tollhouse";
  std::string version;
  std::string server_url = "/";
};

// One document for all surfaces, one tag each. Pretty-printed with sorted-by-declaration members; the same input gives
// the same text.
std::string openapi(std::span<const SurfaceDescription> surfaces, const OpenApiInfo& info);

// A self-contained HTML reference of one surface: every operation with its parameters, answers and errors. No scripts.
std::string reference_page(const SurfaceDescription& surface, std::string_view title,
                           std::string_view introduction_html);

std::string escape_html(std::string_view text);

}  // namespace toll::api
