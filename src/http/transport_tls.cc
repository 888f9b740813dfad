#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fcntl.h>

#include "http/transport.h"

namespace toll::http {

namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);

class TlsTransport final : public Transport {
 public:
  TlsTransport(Socket socket, asio::ssl::context& context) : stream_(std::move(socket), context) {}

  asio::awaitable<bool> start() override {
    auto [ec] = co_await stream_.async_handshake(asio::ssl::stream_base::server, token);
    co_return !ec;
  }

  asio::awaitable<std::size_t> read_some(asio::mutable_buffer room) override {
    auto [ec, count] = co_await stream_.async_read_some(room, token);
    co_return ec ? 0 : count;
  }

  std::size_t try_write(std::string_view, std::string_view, bool) override { return 0; }

  asio::awaitable<std::size_t> write_some(std::string_view first, std::string_view second) override {
    const auto piece = asio::buffer(first.empty() ? second : first);
    auto [ec, count] = co_await stream_.async_write_some(piece, token);
    co_return ec ? 0 : count;
  }

  bool sends_files() const override { return false; }
  asio::awaitable<std::size_t> send_file(int, std::uint64_t, std::size_t) override { co_return 0; }

  bool has_unread() override {
    boost::system::error_code ec;
    return stream_.lowest_layer().available(ec) > 0;
  }
  int duplicate() override { return ::fcntl(stream_.lowest_layer().native_handle(), F_DUPFD_CLOEXEC, 0); }
  void shutdown_send() override {}
  asio::awaitable<void> finish() override {
    auto [ec] = co_await stream_.async_shutdown(token);
    (void)ec;  // a client may leave without saying goodbye
  }
  void cancel() override {
    boost::system::error_code ignored;
    stream_.lowest_layer().cancel(ignored);
  }
  void close() override {
    boost::system::error_code ignored;
    stream_.lowest_layer().close(ignored);
  }

 private:
  asio::ssl::stream<Socket> stream_;
};

}  // namespace

std::unique_ptr<Transport> make_tls_transport(Socket socket, asio::ssl::context& context) {
  return std::make_unique<TlsTransport>(std::move(socket), context);
}

}  // namespace toll::http
