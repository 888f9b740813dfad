// Workflows, put together: what steps there are, and the threads that run them.
#pragma once

#include "config/settings.h"
#include "tollhouse/foundation.h"
#include "tollhouse/inference.h"
#include "tollhouse/outside.h"
#include "tollhouse/registry.h"
#include "tollhouse/stems.h"
#include "tollhouse/workshop.h"
#include "workflows/catalogue.h"
#include "workflows/definitions.h"
#include "workflows/executions.h"
#include "workflows/files.h"
#include "workflows/runner.h"
#include "workflows/secrets.h"
#include "workflows/signals.h"
#include "workflows/work.h"

namespace toll::app {

// Members may use what stands above them; the arguments outlive it. equip() before the first request, then
// runner.start().
struct Workflows {
  Outside outside;
  workflows::Catalogue catalogue;
  workflows::Secrets secrets;
  workflows::Definitions definitions;
  workflows::Signals signals;
  workflows::Executions executions;
  workflows::Work work;
  workflows::FileSpace files;
  workflows::Runner runner;

  Workflows(Foundation& base, Workshop& workshop, const config::Settings& settings);

  // The steps that other surfaces' engines do; whatever is missing then is there by name and reason.
  void equip(Foundation& base, Workshop& workshop, const Stems& stems, const Registry& registry, Inference& inference);
};

}  // namespace toll::app
