// What one thread of the server owns: its event loop, its acceptor, its sessions, and the coarse clock that bounds
// their waits.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

#include "http/session.h"

namespace toll::http {

// What all cores share.
struct House {
  ServerOptions options;
  Handler& handler;
  std::optional<asio::ssl::context> tls;
  std::atomic<std::size_t> connections = 0;
};

class Core {
 public:
  explicit Core(House& house);
  ~Core();

  // shared: other cores listen on the same port. Throws std::system_error.
  void listen(const asio::ip::tcp::endpoint& where, bool shared);
  asio::ip::tcp::endpoint where() const { return acceptor_.local_endpoint(); }
  // Until the last session has ended after stop().
  void run();
  // From any thread, any number of times.
  void stop();

  // For sessions:
  const ServerOptions& options() const { return house_.options; }
  Handler& handler() { return house_.handler; }
  bool draining() const { return draining_; }
  std::chrono::milliseconds now() const;
  // "Date: ...\r\n", made once a second.
  std::string_view date_line();
  void joined(Session& session, bool surplus);
  void left(bool surplus);

 private:
  using Acceptor = asio::ip::tcp::acceptor;
  asio::awaitable<void> accept_all();
  asio::awaitable<void> sweep();
  void welcome(Socket socket);
  void welcome_or_log(Socket socket);
  void begin_drain();
  void take_waiting();
  void cut_all();

  House& house_;
  asio::io_context io_{1};
  Acceptor acceptor_{io_.get_executor()};
  asio::steady_timer sweeper_{io_};
  asio::steady_timer cutter_{io_};
  boost::intrusive::list<Session, boost::intrusive::constant_time_size<false>> sessions_;
  std::size_t session_count_ = 0;
  std::size_t surplus_count_ = 0;
  bool sweeping_ = false;
  bool draining_ = false;
  std::time_t date_ = 0;
  std::string date_line_;
};

}  // namespace toll::http
