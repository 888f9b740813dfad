#include "http/core.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <pthread.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <system_error>

#include "base/clock.h"
#include "base/log.h"

namespace toll::http {

using std::chrono::milliseconds;

namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);
constexpr milliseconds sweep_period{200};
constexpr milliseconds pause_without_descriptors{100};
constexpr std::size_t max_surplus = 64;  // connections over the limit that are still told so, a core

// sendfile has no MSG_NOSIGNAL.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before_);
  }
  ~WithoutSigpipe() {
    const timespec no_time{};
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    while (sigtimedwait(&pipe, nullptr, &no_time) == SIGPIPE) continue;
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t before_;
};

std::string address_of(const Socket& socket) {
  boost::system::error_code ec;
  const auto address = socket.remote_endpoint(ec).address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

asio::awaitable<void> live(std::unique_ptr<Session> session) {
  try {
    co_await session->run();
  } catch (const std::exception& error) {
    log::error("http.session_failed", {{"cause", error.what()}});
  }
}

}  // namespace

Core::Core(House& house) : house_(house) {}
Core::~Core() = default;

void Core::listen(const asio::ip::tcp::endpoint& where, bool shared) {
  acceptor_.open(where.protocol());
  acceptor_.set_option(Acceptor::reuse_address(true));
  const int on = 1;
  if (shared && ::setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
    throw std::system_error(errno, std::generic_category(), "SO_REUSEPORT");
  acceptor_.bind(where);
  acceptor_.listen(Acceptor::max_listen_connections);
}

void Core::run() {
  const WithoutSigpipe guard;
  asio::co_spawn(io_, accept_all(), asio::detached);
  io_.run();
}

void Core::stop() {
  asio::post(io_, [this] { begin_drain(); });
}

milliseconds Core::now() const {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return std::chrono::duration_cast<milliseconds>(std::chrono::seconds(time.tv_sec) +
                                                  std::chrono::nanoseconds(time.tv_nsec));
}

std::string_view Core::date_line() {
  if (const std::time_t now = std::time(nullptr); now != date_) {
    date_ = now;
    date_line_ = "Date: " + http_date(Time(std::chrono::seconds(now))) + "\r\n";
  }
  return date_line_;
}

asio::awaitable<void> Core::accept_all() {
  while (!draining_) {
    auto [ec, socket] = co_await acceptor_.async_accept(token);
    if (!ec) {
      welcome_or_log(std::move(socket));
    } else if (!draining_) {
      log::warn("http.accept_failed", {{"cause", ec.message()}});
      asio::steady_timer pause(io_, pause_without_descriptors);
      co_await pause.async_wait(token);
    }
  }
}

// A connection that cannot be set up must not end the listener.
void Core::welcome_or_log(Socket socket) {
  try {
    welcome(std::move(socket));
  } catch (const std::exception& error) {
    log::error("http.welcome_failed", {{"cause", error.what()}});
  }
}

void Core::welcome(Socket socket) {
  const bool surplus = house_.connections >= house_.options.max_connections;
  if (surplus && (house_.tls || surplus_count_ >= max_surplus)) return;
  boost::system::error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  Session::Peer peer;
  peer.address = address_of(socket);
  peer.tls = house_.tls.has_value();
  peer.surplus = surplus;
  auto transport =
      house_.tls ? make_tls_transport(std::move(socket), *house_.tls) : make_plain_transport(std::move(socket));
  auto session = std::make_unique<Session>(*this, std::move(transport), std::move(peer));
  asio::co_spawn(io_, live(std::move(session)), asio::detached);
}

void Core::joined(Session& session, bool surplus) {
  sessions_.push_back(session);
  ++session_count_;
  if (surplus)
    ++surplus_count_;
  else
    ++house_.connections;
  if (sweeping_) return;
  sweeping_ = true;
  asio::co_spawn(io_, sweep(), asio::detached);
}

void Core::left(bool surplus) {
  --session_count_;
  if (surplus)
    --surplus_count_;
  else
    --house_.connections;
  if (!draining_ || session_count_ > 0) return;
  sweeper_.cancel();
  cutter_.cancel();
}

// One timer a core instead of one a connection or an operation.
asio::awaitable<void> Core::sweep() {
  while (session_count_ > 0) {
    sweeper_.expires_after(sweep_period);
    co_await sweeper_.async_wait(token);
    const auto time = now();
    for (auto& session : sessions_) session.tick(time);
  }
  sweeping_ = false;
}

void Core::begin_drain() {
  if (draining_) return;
  draining_ = true;
  take_waiting();
  for (auto& session : sessions_) session.drain();
  if (session_count_ == 0) {
    sweeper_.cancel();
    return;
  }
  cutter_.expires_after(house_.options.drain_time);
  cutter_.async_wait([this](boost::system::error_code ec) {
    if (!ec) cut_all();
  });
}

// Connections that the kernel has accepted for us would otherwise be reset.
void Core::take_waiting() {
  boost::system::error_code ec;
  acceptor_.non_blocking(true, ec);
  while (!ec) {
    Socket socket(io_.get_executor());
    acceptor_.accept(socket, ec);
    if (!ec) welcome_or_log(std::move(socket));
  }
  acceptor_.close(ec);
}

void Core::cut_all() {
  log::warn("http.drain_cut", {{"connections", session_count_}});
  for (auto& session : sessions_) session.cut();
}

}  // namespace toll::http
