#include "egress/tests/little_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <stdexcept>

namespace toll::egress {

namespace {

std::size_t announced(const std::string& head) {
  const std::string name = "Content-Length: ";
  const auto at = head.find(name);
  std::size_t length = 0;
  if (at != head.npos) std::from_chars(head.data() + at + name.size(), head.data() + head.size(), length);
  return length;
}

}  // namespace

LittleServer::LittleServer(Answering answer, bool six) : answer_(std::move(answer)) {
  listener_ = ::socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage address{};
  address.ss_family = six ? AF_INET6 : AF_INET;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  if (six)
    v6.sin6_addr = in6addr_loopback;
  else
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = six ? sizeof v6 : sizeof v4;
  const bool bound = ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::listen(listener_, 16) == 0 &&
                     ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if ((!bound && !six) || ::pipe(stop_) != 0) throw std::runtime_error("no listener");
  if (bound) port_ = ntohs(six ? v6.sin6_port : v4.sin_port);
  thread_ = std::thread([this] { serve(); });
}

LittleServer::~LittleServer() {
  ::close(stop_[1]);
  thread_.join();
  ::close(stop_[0]);
  ::close(listener_);
}

std::vector<std::string> LittleServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void LittleServer::serve() {
  for (;;) {
    pollfd waits[] = {{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
    ::poll(waits, 2, -1);
    if (waits[1].revents) return;
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    answer(connection);
    ::close(connection);
  }
}

void LittleServer::answer(int connection) {
  std::string request;
  char buffer[4096];
  for (;;) {
    const auto head = request.find("\r\n\r\n");
    if (head != request.npos && request.size() >= head + 4 + announced(request)) break;
    const auto got = ::recv(connection, buffer, sizeof buffer, 0);
    if (got <= 0) return;
    request.append(buffer, static_cast<std::size_t>(got));
  }
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  const auto text = answer_(request);
  for (std::size_t sent = 0; sent < text.size();) {
    const auto put = ::send(connection, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (put <= 0) return;
    sent += static_cast<std::size_t>(put);
  }
  if (!text.empty()) return;
  // Silence, until the client or the test goes away.
  pollfd waits[] = {{connection, POLLIN, 0}, {stop_[0], POLLIN, 0}};
  ::poll(waits, 2, -1);
}

std::string answer(const std::string& status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n" +
         headers + "\r\n" + body;
}

}  // namespace toll::egress
