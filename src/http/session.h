// One connection's life: heads in, answers out, one request after the other. Runs on its core's thread only.
#pragma once

#include <boost/intrusive/list.hpp>

#include <chrono>
#include <limits>
#include <memory>
#include <string>

#include "http/body.h"
#include "http/head.h"
#include "http/input_buffer.h"
#include "http/server.h"
#include "http/transport.h"

namespace toll::http {

class Core;

using SessionHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

class Session final : public SessionHook, private BodyOwner {
 public:
  struct Peer {
    std::string address;
    bool tls = false;
    bool surplus = false;  // over max_connections: is told so, and let go
  };
  Session(Core& core, std::unique_ptr<Transport> transport, Peer peer);
  ~Session();

  asio::awaitable<void> run();

  // What the core calls, between two steps of run():
  void tick(std::chrono::milliseconds now);  // ends a wait that took too long
  void drain();                              // the server stops: nothing to wait for on an idle connection
  void cut();                                // the server has stopped

 private:
  // The head of the next request: found, not wanted any more, refused, or still to come.
  enum class Arrival { head, nothing, refused, incomplete };
  void begin_head();
  Arrival look_for_head();
  Arrival heard(std::size_t count);
  Arrival heard_nothing();
  Arrival refuse_with(int status);

  asio::awaitable<bool> serve();
  asio::awaitable<void> refuse();
  // Writes the head, and of the body what goes out without waiting. True: that was all.
  bool send_at_once(const Response& response, bool keep);
  asio::awaitable<bool> send_rest(const Response& response);
  asio::awaitable<bool> send_segments(const std::vector<Segment>& segments);
  asio::awaitable<bool> send_file(FileSlice file);
  asio::awaitable<bool> send_source(SourceSlice source);
  asio::awaitable<bool> write(std::string_view first, std::string_view second);
  void render_head(const Response& response, std::uint64_t length, bool keep);
  bool bodiless(int status) const;
  void report(const Response& response, std::chrono::steady_clock::time_point started, bool sent);

  asio::awaitable<void> hang_up();
  asio::awaitable<void> linger();

  // BodyOwner
  InputBuffer& input() override { return input_; }
  asio::awaitable<Receipt> receive(std::size_t least, std::size_t most, std::chrono::milliseconds patience) override;
  asio::awaitable<bool> say_continue() override;
  std::chrono::milliseconds body_patience() const override;
  int duplicate() override { return transport_->duplicate(); }

  void arm(std::chrono::milliseconds patience);
  void disarm() { deadline_ = never; }

  static constexpr std::chrono::milliseconds never = std::chrono::milliseconds::max();

  Core& core_;
  std::unique_ptr<Transport> transport_;
  InputBuffer input_;
  HeadScanner scanner_;
  Head head_;
  RequestBody body_;
  std::string out_;
  std::string_view unsent_head_, unsent_body_;
  std::chrono::milliseconds deadline_ = never;
  int refusal_ = 0;
  std::uint64_t sent_ = 0;  // body bytes of the current answer
  bool surplus_;
  bool first_ = true;
  bool idle_ = false;
  bool expired_ = false;
  bool broken_ = false;  // nothing more can be said to this client
};

}  // namespace toll::http
