// Names to addresses, within a time. Private to egress/, but for tests that pass one in.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "egress/address.h"

namespace toll::egress {

// All addresses of a host, in the order in which they should be tried; at least one. Faults: fetch_failed,
// fetch_timed_out, cancelled.
using Lookup = std::function<Result<std::vector<Address>>(const std::string& host, std::chrono::milliseconds most,
                                                          std::stop_token stop)>;

// An address however it is spelled, as the resolver reads numbers: "0x7f.1", "2130706433" and "0177.0.0.1" are
// 127.0.0.1.
std::optional<Address> literal_address(const std::string& host);

// By the system's resolver, which cannot be interrupted: it goes on behind our back for as long as it likes, so that
// only so many lookups are under way at a time.
Result<std::vector<Address>> look_up_by_system(const std::string& host, std::chrono::milliseconds most,
                                               std::stop_token stop);

}  // namespace toll::egress
