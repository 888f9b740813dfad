// The house's own pages: health, metrics, documentation, a plain login.
#pragma once

#include <functional>
#include <string>

#include "api/front.h"
#include "api/metrics.h"

namespace toll::app {

struct PageContext {
  const api::Metrics& metrics;
  std::function<bool()> ready;    // cheap; called on connection threads
  std::string openapi;            // the document
  std::string operator_token;     // empty: health and metrics answer loopback addresses only
};

// context must outlive the front.
void add_pages(api::Front& front, const PageContext& context);

}  // namespace toll::app
