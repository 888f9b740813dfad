#pragma once

#include "config/load.h"
#include "tollhouse/console.h"

namespace toll::app {

// All problems of the settings, as one error. Returns `failed`.
int report_problems(const Console& console, const config::Loaded& loaded);
int check_config(const Console& console, const config::Loaded& loaded);
// Every setting with its value, its source and what it is for; secrets masked.
int print_config(const Console& console, const config::Loaded& loaded);

}  // namespace toll::app
