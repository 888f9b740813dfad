// What may be called: public addresses, and what the operator excepts.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "egress/lookup.h"

namespace toll::egress {

// Immutable, thread-safe.
class Guard {
 public:
  // `allow`: addresses, CIDR blocks, host names and "*.suffix", each with or without ":port" ("[::1]:9000"). A host
  // that is listed may have any address. Throws std::invalid_argument, which names the entry.
  explicit Guard(const std::vector<std::string>& allow, Lookup lookup = look_up_by_system);

  // Every address of the host, looked up once; all are allowed. Who connects must use these. Faults: egress_forbidden
  // (tells nothing about the addresses), fetch_failed, fetch_timed_out, cancelled.
  Result<std::vector<Address>> addresses(const std::string& host, std::uint16_t port, std::chrono::milliseconds most,
                                         std::stop_token stop = {}) const;
  // The same without a judgement, for an address that the operator chose.
  Result<std::vector<Address>> addresses_of_trusted(const std::string& host, std::chrono::milliseconds most,
                                                    std::stop_token stop = {}) const {
    return lookup_(host, most, stop);
  }

  // Without a lookup, for what is written down to be called later: false for a URL that could never be called, because
  // it is no plain http(s) URL, or its host is an address (however it is spelled) or "localhost" that is not allowed.
  bool may_name(std::string_view url) const;
  bool may_name_host(const std::string& host, std::uint16_t port) const;

 private:
  struct Exception {
    std::optional<Network> network;
    std::string host;        // without a network: in lower case; "*.suffix" as ".suffix"
    std::uint16_t port = 0;  // 0: any
  };
  static Exception read(const std::string& entry);
  bool excepts_host(const std::string& host, std::uint16_t port) const;
  bool allows(const Address& address, std::uint16_t port) const;

  std::vector<Exception> exceptions_;
  Lookup lookup_;
};

}  // namespace toll::egress
