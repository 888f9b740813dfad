// A Recording on its way from the worker process to its host.
#pragma once

#include <string>
#include <string_view>

#include "probe/probe.h"

namespace toll::probe {

std::string write_recording(const Recording& recording);
// Reason::internal when the text is no such answer.
Result<Recording> parse_recording(std::string_view answer);

}  // namespace toll::probe
