// The surface that runs models, put together: its workers, its threads, and what happens in it by itself.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <stop_token>

#include "api/metrics.h"
#include "api/serve.h"
#include "config/settings.h"
#include "inference/inference.h"
#include "metering/idempotency.h"
#include "surfaces/inference/house.h"
#include "tollhouse/foundation.h"
#include "tollhouse/workshop.h"

namespace toll::app {

// Members may use what stands above them; the arguments outlive it.
struct Inference {
  inference::Inference models;
  metering::Idempotency idempotency;
  boost::asio::thread_pool waiting;  // a thread for each call that may be on its way
  api::Core core;                    // the server's, but for these two
  open_inference::House house;

  Inference(Foundation& base, Workshop& workshop, const models::ModelServing& serving, models::AccessRecorder& recorder,
            const api::Core& server, api::Metrics& metrics, const config::Settings& settings);

  // While the server takes no more calls: ends those that still run after a while. Returns then, or when `ended` is
  // requested.
  void drain(const std::stop_token& ended);
  // Ends what runs and waits for it.
  void join();
};

}  // namespace toll::app
