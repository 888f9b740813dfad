// The same sessions over TLS.
#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include "http/tests/certificate.h"
#include "http/tests/running_server.h"
#include "http/tests/wire.h"

namespace toll::http {
namespace {

namespace ssl = asio::ssl;

ServerOptions options_for(const Certificate& certificate) {
  ServerOptions options;
  options.certificate_file = certificate.certificate_file();
  options.key_file = certificate.key_file();
  return options;
}

class TlsWire {
 public:
  explicit TlsWire(std::uint16_t port, ssl::context::method method = ssl::context::tls_client, int max_version = 0)
      : context_(method), stream_(io_, context_) {
    if (max_version != 0) SSL_CTX_set_max_proto_version(context_.native_handle(), max_version);
    SSL_set_max_proto_version(stream_.native_handle(), max_version);
    stream_.lowest_layer().connect({asio::ip::address_v4::loopback(), port});
    stream_.handshake(ssl::stream_base::client, error_);
  }
  std::string ask(std::string_view request) {
    asio::write(stream_, asio::buffer(request), error_);
    const auto end = asio::read_until(stream_, asio::dynamic_buffer(read_), "\r\n\r\n", error_);
    const auto at = read_.find("Content-Length: ");
    const std::size_t length = at == read_.npos ? 0 : std::stoul(read_.substr(at + 16));
    if (read_.size() < end + length)
      asio::read(stream_, asio::dynamic_buffer(read_), asio::transfer_exactly(end + length - read_.size()), error_);
    std::string body = read_.substr(end, length);
    read_.erase(0, end + length);
    return body;
  }
  const boost::system::error_code& error() const { return error_; }

 private:
  asio::io_context io_;
  ssl::context context_;
  ssl::stream<asio::ip::tcp::socket> stream_;
  std::string read_;
  boost::system::error_code error_;
};

TEST(Tls, serves_like_plain_connections) {
  const Certificate certificate;
  RunningServer server(echo, options_for(certificate));
  TlsWire wire(server.port());
  const std::string big(1'000'000, 'x');
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(wire.ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"), "GET /a ");
    EXPECT_EQ(wire.ask("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + big).size(), 8 + big.size());
  }
  EXPECT_FALSE(wire.error());
}

TEST(Tls, sends_files) {
  const Certificate certificate;
  std::string content(3'000'000, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 2654435761u >> 11);
  const int fd = ::memfd_create("file", MFD_CLOEXEC);
  ASSERT_EQ(::write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
  const auto handle = [fd](const Request& request, BodyReader&) -> asio::awaitable<Response> {
    FileSlice file;
    file.fd = fd;
    file.offset = 1000;
    file.length = 2'900'000;
    Response response = text_response(request.tls ? "tls" : "plain");
    if (request.path == "/file") response.stream = {std::string("head"), file};
    co_return response;
  };
  RunningServer server(handle, options_for(certificate));
  TlsWire wire(server.port());
  EXPECT_EQ(wire.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "tls");
  EXPECT_TRUE(wire.ask("GET /file HTTP/1.1\r\nHost: x\r\n\r\n") == "head" + content.substr(1000, 2'900'000));
  ::close(fd);
}

TEST(Tls, refuses_versions_before_1_2) {
  const Certificate certificate;
  RunningServer server(echo, options_for(certificate));
  EXPECT_TRUE(TlsWire(server.port(), ssl::context::tls_client, TLS1_1_VERSION).error());
  EXPECT_FALSE(TlsWire(server.port(), ssl::context::tls_client, TLS1_2_VERSION).error());
}

TEST(Tls, does_not_answer_plain_text) {
  const Certificate certificate;
  RunningServer server(echo, options_for(certificate));
  EXPECT_EQ(Wire(server.port()).ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status, 0);
}

TEST(Tls, needs_a_readable_certificate_and_key) {
  const Certificate certificate;
  auto options = options_for(certificate);
  options.key_file = "/nowhere/key.pem";
  EXPECT_THROW(RunningServer(echo, options), std::system_error);
}

}  // namespace
}  // namespace toll::http
