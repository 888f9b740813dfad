#include "egress/lookup.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <thread>

namespace toll::egress {

namespace {

constexpr int most_at_a_time = 64;
constexpr std::size_t most_addresses = 32;

// The lookups that are under way.
struct Places {
  std::mutex mutex;
  std::condition_variable_any freed;
  int taken = 0;

  bool take(std::chrono::milliseconds most, const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    if (!freed.wait_for(lock, stop, most, [this] { return taken < most_at_a_time; })) return false;
    ++taken;
    return true;
  }
  void give_back() {
    const std::lock_guard lock(mutex);
    --taken;
    freed.notify_one();
  }
};
// Threads that outlive main() still use it.
Places& places() {
  static auto* all = new Places;
  return *all;
}

Address address_of(const sockaddr* from) {
  namespace ip = boost::asio::ip;
  if (from->sa_family == AF_INET) {
    ip::address_v4::bytes_type bytes;
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(from)->sin_addr, bytes.size());
    return ip::address_v4(bytes);
  }
  ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(from)->sin6_addr, bytes.size());
  return ip::address_v6(bytes);
}

std::vector<Address> resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return {};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, ::freeaddrinfo);
  std::vector<Address> out;
  for (const auto* at = list; at && out.size() < most_addresses; at = at->ai_next)
    if (at->ai_family == AF_INET || at->ai_family == AF_INET6) out.push_back(address_of(at->ai_addr));
  return out;
}

struct Answer {
  std::mutex mutex;
  std::condition_variable_any done;
  std::optional<std::vector<Address>> addresses;
};

}  // namespace

std::optional<Address> literal_address(const std::string& host) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  if (!error) return address;
  in_addr number{};
  if (::inet_aton(host.c_str(), &number) == 0) return std::nullopt;
  return boost::asio::ip::address_v4(ntohl(number.s_addr));
}

Result<std::vector<Address>> look_up_by_system(const std::string& host, std::chrono::milliseconds most,
                                               std::stop_token stop) {
  if (const auto address = literal_address(host)) return std::vector{*address};
  const auto end = std::chrono::steady_clock::now() + most;
  const auto late = [&] {
    return stop.stop_requested() ? Fault(Reason::cancelled)
                                 : Fault(Reason::fetch_timed_out).because("lookup of " + host);
  };
  if (!places().take(most, stop)) return late();
  auto answer = std::make_shared<Answer>();
  try {
    std::thread([answer, host] {
      std::vector<Address> addresses;
      try {
        addresses = resolve(host);
      } catch (const std::bad_alloc&) {
      }
      places().give_back();
      const std::lock_guard lock(answer->mutex);
      answer->addresses = std::move(addresses);
      answer->done.notify_all();
    }).detach();
  } catch (...) {
    places().give_back();
    throw;
  }
  std::unique_lock lock(answer->mutex);
  if (!answer->done.wait_until(lock, stop, end, [&] { return answer->addresses.has_value(); })) return late();
  if (answer->addresses->empty())
    return Fault(Reason::fetch_failed).with("why", "the name is not known").because("lookup of " + host);
  return std::move(*answer->addresses);
}

}  // namespace toll::egress
