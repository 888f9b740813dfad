#include "http/server.h"

#include <openssl/ssl.h>

#include <system_error>
#include <thread>
#include <vector>

#include "http/core.h"

namespace toll::http {

namespace {

using asio::ip::tcp;

asio::ssl::context tls_context(const ServerOptions& options) {
  asio::ssl::context context(asio::ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.native_handle(), SSL_MODE_RELEASE_BUFFERS);
  context.use_certificate_chain_file(options.certificate_file);
  context.use_private_key_file(options.key_file, asio::ssl::context::pem);
  return context;
}

tcp::endpoint resolve(const std::string& host, std::uint16_t port) {
  asio::io_context io;
  tcp::resolver resolver(io);
  return resolver.resolve(host, std::to_string(port), tcp::resolver::passive).begin()->endpoint();
}

class CoreServer final : public Server {
 public:
  CoreServer(const ServerOptions& options, Handler& handler) : house_{options, handler, std::nullopt, 0} {
    if (!options.certificate_file.empty()) house_.tls = tls_context(options);
    auto where = resolve(options.host, options.port);
    const unsigned cores = std::max(1U, options.threads);
    // Sockets that share a port do not see that somebody else has it, if that one shares it too.
    if (cores > 1 && options.port != 0) Core(house_).listen(where, false);
    for (unsigned i = 0; i < cores; ++i) {
      cores_.push_back(std::make_unique<Core>(house_));
      cores_.back()->listen(where, cores > 1);
      where = cores_.front()->where();
    }
    port_ = where.port();
  }

  std::uint16_t port() const override { return port_; }

  void run() override {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < cores_.size(); ++i) others.emplace_back([this, i] { cores_[i]->run(); });
    cores_.front()->run();
  }

  void stop() override {
    for (auto& core : cores_) core->stop();
  }

 private:
  House house_;
  std::vector<std::unique_ptr<Core>> cores_;
  std::uint16_t port_ = 0;
};

}  // namespace

std::unique_ptr<Server> make_server(const ServerOptions& options, Handler& handler) {
  try {
    return std::make_unique<CoreServer>(options, handler);
  } catch (const boost::system::system_error& error) {
    throw std::system_error(error.code(), error.what());
  }
}

}  // namespace toll::http
