// One accepted connection, plain or TLS. All calls on the connection's own thread; every wait ends when cancel() or
// close() is called. Nothing here counts time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string_view>

namespace toll::http {

namespace asio = boost::asio;

// Sockets and coroutines must name the same executor type, or every completion pays for a hop between the two; the
// handler's is asio's default.
using Socket = asio::ip::tcp::socket;

class Transport {
 public:
  virtual ~Transport() = default;
  // Handshakes, where there is one.
  virtual asio::awaitable<bool> start() = 0;
  // 0: the client is gone, or the wait was cancelled. So for all that follow.
  virtual asio::awaitable<std::size_t> read_some(asio::mutable_buffer room) = 0;
  // Writes of `first`, then `second`, what goes out without waiting. more: the kernel may hold it back for what
  // follows.
  virtual std::size_t try_write(std::string_view first, std::string_view second, bool more) = 0;
  virtual asio::awaitable<std::size_t> write_some(std::string_view first, std::string_view second) = 0;
  // Sends from a file without copying it; only where sends_files(). 0 also when the file ends early.
  virtual bool sends_files() const = 0;
  virtual asio::awaitable<std::size_t> send_file(int fd, std::uint64_t offset, std::size_t length) = 0;
  // True if bytes have arrived that nobody has read.
  virtual bool has_unread() = 0;
  // Another descriptor of the connection's socket; -1 when there is none to be had.
  virtual int duplicate() = 0;
  // Tells the client that no more will come, as far as this can be done without waiting.
  virtual void shutdown_send() = 0;
  // The goodbye that has to wait for the client (TLS close_notify).
  virtual asio::awaitable<void> finish() = 0;
  virtual void cancel() = 0;
  virtual void close() = 0;
};

std::unique_ptr<Transport> make_plain_transport(Socket socket);
std::unique_ptr<Transport> make_tls_transport(Socket socket, asio::ssl::context& context);

}  // namespace toll::http
