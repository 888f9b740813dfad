#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "metering/payments.h"

namespace toll::metering {

struct SquareOptions {
  std::string base = "https://connect.squareup.com";  // https://connect.squareupsandbox.com for tests
  std::string access_token;
  std::string location_id;
  std::chrono::seconds timeout{20};
};

// Square's CreatePayment: POST {base}/v2/payments
// (developer.squareup.com/reference/square/payments-api/create-payment).
std::unique_ptr<PaymentProvider> square_provider(SquareOptions options);

}  // namespace toll::metering
