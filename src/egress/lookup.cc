#include "egress/lookup.h"

#include <netdb.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace toll::egress {

namespace {

constexpr int most_at_a_time = 64;
constexpr std::size_t most_addresses = 32;
std::atomic<int> under_way = 0;

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

Result<std::vector<Address>> look_up_by_system(const std::string& host, std::chrono::milliseconds most,
                                               std::stop_token stop) {
  if (under_way.fetch_add(1) >= most_at_a_time) {
    --under_way;
    return Fault(Reason::fetch_timed_out).because("too many lookups are under way");
  }
  auto answer = std::make_shared<Answer>();
  std::thread([answer, host] {
    auto addresses = resolve(host);
    --under_way;
    const std::lock_guard lock(answer->mutex);
    answer->addresses = std::move(addresses);
    answer->done.notify_all();
  }).detach();
  std::unique_lock lock(answer->mutex);
  if (!answer->done.wait_for(lock, stop, most, [&] { return answer->addresses.has_value(); }))
    return stop.stop_requested() ? Fault(Reason::cancelled)
                                 : Fault(Reason::fetch_timed_out).because("lookup of " + host);
  if (answer->addresses->empty())
    return Fault(Reason::fetch_failed).with("why", "the name is not known").because("lookup of " + host);
  return std::move(*answer->addresses);
}

}  // namespace toll::egress
