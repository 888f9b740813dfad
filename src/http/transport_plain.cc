#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "http/transport.h"

namespace toll::http {

namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t file_piece = 512 << 10;  // then others have their turn

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(Socket socket) : socket_(std::move(socket)) {
    boost::system::error_code ignored;
    socket_.native_non_blocking(true, ignored);  // for sendfile
  }

  asio::awaitable<bool> start() override { co_return true; }

  asio::awaitable<std::size_t> read_some(asio::mutable_buffer room) override {
    auto [ec, count] = co_await socket_.async_read_some(room, token);
    co_return ec ? 0 : count;
  }

  std::size_t try_write(std::string_view first, std::string_view second, bool more) override {
    std::array<iovec, 2> pieces{iovec{const_cast<char*>(first.data()), first.size()},
                                iovec{const_cast<char*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = second.empty() ? 1 : 2;
    const auto sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }

  asio::awaitable<std::size_t> write_some(std::string_view first, std::string_view second) override {
    const std::array<asio::const_buffer, 2> pieces{asio::buffer(first), asio::buffer(second)};
    auto [ec, count] = co_await socket_.async_write_some(pieces, token);
    co_return ec ? 0 : count;
  }

  bool sends_files() const override { return true; }

  asio::awaitable<std::size_t> send_file(int fd, std::uint64_t offset, std::size_t length) override {
    for (;;) {
      off_t at = static_cast<off_t>(offset);
      const auto sent = ::sendfile(socket_.native_handle(), fd, &at, std::min(length, file_piece));
      if (sent > 0) {
        co_await asio::post(socket_.get_executor(), asio::use_awaitable);
        co_return static_cast<std::size_t>(sent);
      }
      if (sent == 0 || (errno != EAGAIN && errno != EINTR)) co_return 0;
      auto [ec] = co_await socket_.async_wait(Socket::wait_write, token);
      if (ec) co_return 0;
    }
  }

  bool has_unread() override {
    boost::system::error_code ec;
    return socket_.available(ec) > 0;
  }
  int duplicate() override { return ::fcntl(socket_.native_handle(), F_DUPFD_CLOEXEC, 0); }
  void shutdown_send() override {
    boost::system::error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }
  asio::awaitable<void> finish() override { co_return; }
  void cancel() override {
    boost::system::error_code ignored;
    socket_.cancel(ignored);
  }
  void close() override {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  Socket socket_;
};

}  // namespace

std::unique_ptr<Transport> make_plain_transport(Socket socket) {
  return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace toll::http
