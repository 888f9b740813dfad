// Engines that behave as decoders do on their worst day.
#pragma once

#include "engine/engine.h"

namespace toll::engine::testing {

Catalogue test_engines();

// For the engine "early": a thread from before the sandbox.
void start_early_thread();

}  // namespace toll::engine::testing
