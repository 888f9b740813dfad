// The floor: a single-threaded epoll loop that answers every request with one fixed body and looks at nothing but the blank line.
// Usage: raw_epoll PORT BODY_BYTES
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

int main(int argc, char** argv) {
  const int port = argc > 1 ? std::atoi(argv[1]) : 0;
  const std::string body(argc > 2 ? static_cast<std::size_t>(std::atoi(argv[2])) : 42, 'x');
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int one = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener, 1024) != 0) return 1;
  const int epoll = ::epoll_create1(0);
  epoll_event interest{EPOLLIN, {.fd = listener}};
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &interest);
  for (;;) {
    epoll_event events[256];
    const int ready = ::epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        const int peer = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        if (peer < 0) continue;
        ::setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        interest = {EPOLLIN, {.fd = peer}};
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, peer, &interest);
        continue;
      }
      char buffer[4096];
      const auto n = ::read(fd, buffer, sizeof buffer);
      if (n <= 0) {
        ::close(fd);
        continue;
      }
      const bool whole = std::string_view(buffer, static_cast<std::size_t>(n)).ends_with("\r\n\r\n");
      if (whole && ::write(fd, answer.data(), answer.size()) < 0) ::close(fd);
    }
  }
}
