// What the steps of workflows reach beyond this process with, put together.
#pragma once

#include "config/settings.h"
#include "documents/reader.h"
#include "egress/client.h"
#include "workflows/catalogue.h"
#include "workflows/steps/llm.h"
#include "workflows/steps/roots.h"

namespace toll::app {

// Outlives the catalogue that it adds to.
struct Outside {
  egress::Client client;
  workflows::steps::Roots roots;
  workflows::steps::Llm llm;
  documents::Reader reader;

  // Throws std::invalid_argument when egress.allow names what is no address, block or host.
  explicit Outside(const config::Settings& settings);
  // The steps of steps/outside.h. `clock` outlives the catalogue.
  void add_to(workflows::Catalogue& catalogue, const Clock& clock) const;
};

}  // namespace toll::app
