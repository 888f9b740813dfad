#include "http/tests/wire.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <system_error>

#include "base/text.h"

namespace toll::http {

std::string Answer::field(std::string_view name) const {
  for (std::size_t at = head.find("\r\n"); at != head.npos && at + 2 < head.size(); at = head.find("\r\n", at + 2)) {
    const auto end = head.find("\r\n", at + 2);
    const auto line = std::string_view(head).substr(at + 2, end - at - 2);
    const auto colon = line.find(':');
    if (colon != line.npos && equal_ignoring_case(line.substr(0, colon), name))
      return std::string(trim(line.substr(colon + 1)));
  }
  return "";
}

Wire::Wire(std::uint16_t port, int receive_buffer) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{10, 0};
  const int on = 1;
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&where), sizeof where) != 0)
    throw std::system_error(errno, std::generic_category(), "connect");
}

Wire::~Wire() {
  ::close(fd_);
}

bool Wire::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Wire::shutdown_send() {
  ::shutdown(fd_, SHUT_WR);
}

bool Wire::more() {
  char piece[65536];
  const auto count = ::recv(fd_, piece, sizeof piece, 0);
  if (count <= 0) return false;
  read_.append(piece, static_cast<std::size_t>(count));
  return true;
}

Answer Wire::receive(bool head) {
  Answer answer;
  std::size_t end;
  while ((end = read_.find("\r\n\r\n")) == read_.npos)
    if (!more()) return answer;
  answer.head = read_.substr(0, end + 2);
  read_.erase(0, end + 4);
  answer.status = static_cast<int>(parse_int(answer.head.substr(9, 3)).value_or(0));
  const auto length = static_cast<std::size_t>(parse_int(answer.field("Content-Length")).value_or(0));
  const bool bare = head || answer.status == 304 || answer.status == 204 || answer.status < 200;
  while (!bare && read_.size() < length && more()) continue;
  answer.body = bare ? "" : read_.substr(0, length);
  answer.complete = bare || answer.body.size() == length;
  read_.erase(0, answer.body.size());
  return answer;
}

Answer Wire::ask(std::string_view request, bool head) {
  send(request);
  return receive(head);
}

bool Wire::closed() {
  if (!read_.empty()) return false;
  char byte;
  const auto count = ::recv(fd_, &byte, 1, 0);
  if (count > 0) read_.push_back(byte);
  return count == 0 || (count < 0 && errno == ECONNRESET);
}

bool Wire::silent_for(std::chrono::milliseconds time) {
  pollfd wait{fd_, POLLIN, 0};
  return read_.empty() && ::poll(&wait, 1, static_cast<int>(time.count())) == 0;
}

}  // namespace toll::http
