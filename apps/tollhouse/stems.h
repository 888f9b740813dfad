// The stems surface, put together: what is sold and offered.
#pragma once

#include "metering/square/square.h"
#include "probe/probe.h"
#include "separations/models.h"
#include "surfaces/stems/house.h"
#include "tollhouse/foundation.h"
#include "tollhouse/workshop.h"

namespace toll::app {

// Members may use what stands above them; the arguments outlive it.
struct Stems {
  metering::Shop shop;
  separations::Models models;
  stems::House house;

  Stems(Foundation& base, Workshop& workshop, probe::Prober& prober, const config::Settings& settings);
};

}  // namespace toll::app
