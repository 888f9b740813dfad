// A private redis-server on a Unix socket in a temporary folder. It ends with this object.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace toll::metering {

class RedisServer {
 public:
  static bool available();
  RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  ~RedisServer();

  std::string url() const { return "unix://" + socket().string(); }
  void command(const char* words) const;
  // SIGSTOP and SIGCONT: connected, and silent.
  void freeze();
  void thaw();
  // A new process that remembers nothing.
  void restart();
  void stop();
  void start();

 private:
  std::filesystem::path socket() const { return folder_ / "redis.sock"; }

  std::filesystem::path folder_;
  pid_t server_ = -1;
};

}  // namespace toll::metering
