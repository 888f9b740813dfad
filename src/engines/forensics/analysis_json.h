// `analysis` as JSON, the same in the engine's answer and in result.json.
#pragma once

#include <boost/json.hpp>
#include <vector>

#include "engines/forensics/plan.h"

namespace toll::engines::forensics {

boost::json::array signals_json(const std::vector<Signal>& signals);
boost::json::object analysis_json(const Analysis& analysis);

}  // namespace toll::engines::forensics
