// An HTTP server on loopback that answers what it is told to, byte for byte.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace toll::egress {

// Of a request (head and body) what is sent back; the connection closes after it. Empty: nothing is ever sent.
using Answering = std::function<std::string(const std::string& request)>;

class LittleServer {
 public:
  // On ::1 where it is so wanted; port() is 0 where there is none.
  explicit LittleServer(Answering answer, bool six = false);
  ~LittleServer();
  int port() const { return port_; }
  std::string url(const std::string& path = "/") const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::vector<std::string> requests() const;  // all that came

 private:
  void serve();
  void answer(int connection);

  Answering answer_;
  int listener_ = -1, stop_[2] = {-1, -1};
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

// "HTTP/1.1 200 OK" with this body and these header lines ("Name: value\r\n").
std::string answer(const std::string& status, const std::string& body = {}, const std::string& headers = {});

}  // namespace toll::egress
