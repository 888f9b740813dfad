// A client that sees bytes: what tests of a server must control and what a well-behaved library would hide.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.h"

namespace toll::http {

struct Answer {
  bool complete = false;  // a whole head, and the body it promises
  int status = 0;
  std::string head;  // as received
  std::string body;
  std::string field(std::string_view name) const;  // "" if absent
};

// A blocking connection to 127.0.0.1. Every wait ends after ten seconds.
class Wire {
 public:
  explicit Wire(std::uint16_t port, int receive_buffer = 0);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // As much as the peer takes; false if it does not take all.
  bool send(std::string_view bytes);
  void shutdown_send();
  // Interim answers are answers, too. `head`: the answer to a HEAD has no body.
  Answer receive(bool head = false);
  Answer ask(std::string_view request, bool head = false);
  // True when the peer has closed and nothing is left to read.
  bool closed();
  // True when nothing comes within the time.
  bool silent_for(std::chrono::milliseconds time);
  int fd() const { return fd_; }

 private:
  bool more();
  int fd_;
  std::string read_;
};

}  // namespace toll::http
