#include "engine/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "engine/frames.h"

namespace toll::engine {

namespace {

constexpr std::size_t chunk = 64 << 10;
using Control = std::array<char, CMSG_SPACE(max_descriptors * sizeof(int))>;

bool wait_writable(int socket, Deadline deadline) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  if (left <= 0) return false;
  pollfd one{socket, POLLOUT, 0};
  return ::poll(&one, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000))) >= 0 || errno == EINTR;
}

void attach(msghdr& message, Control& control, std::span<const int> descriptors) {
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
}

void detach(const msghdr& message, std::vector<Fd>& descriptors) {
  auto* mutable_message = const_cast<msghdr*>(&message);
  for (cmsghdr* h = CMSG_FIRSTHDR(mutable_message); h; h = CMSG_NXTHDR(mutable_message, h)) {
    if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t i = 0; i < (h->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
      descriptors.emplace_back(fd);
    }
  }
}

Received outcome(ssize_t size) {
  if (size > 0) return Received::bytes;
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return Received::nothing;
  return Received::closed;
}

}  // namespace

bool send_all(int socket, std::string_view bytes, std::span<const int> descriptors, Deadline deadline) {
  if (descriptors.size() > max_descriptors) return false;
  alignas(cmsghdr) Control control{};
  while (!bytes.empty()) {
    iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) attach(message, control, descriptors);
    ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN || !wait_writable(socket, deadline)) return false;
      continue;
    }
    descriptors = {};
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

Received receive_bytes(int socket, std::string& out) {
  std::array<char, chunk> buffer;
  // Without room for control data the kernel drops descriptors that come along.
  ssize_t size = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size > 0) out.append(buffer.data(), static_cast<std::size_t>(size));
  return outcome(size);
}

Received receive_with_descriptors(int socket, std::string& out, std::vector<Fd>& descriptors) {
  std::array<char, chunk> buffer;
  alignas(cmsghdr) Control control;
  iovec piece{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (size > 0) {
    out.append(buffer.data(), static_cast<std::size_t>(size));
    detach(message, descriptors);
  }
  return outcome(size);
}

}  // namespace toll::engine
