#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

namespace toll::sql::testing {

// A private PostgreSQL 15 server of Debian's package, in a temporary folder, on a Unix socket alone. Not durable (fsync
// off). PostgreSQL refuses to run as root; then it runs as the user `postgres`. It ends with this object, and with this
// process.
class PostgresCluster {
 public:
  // Why there cannot be one here; nullopt: there can.
  static std::optional<std::string> unavailable();
  // The one of this process, started at the first call.
  static PostgresCluster& shared();

  // Throws std::runtime_error with the end of the server's log.
  PostgresCluster();
  PostgresCluster(const PostgresCluster&) = delete;
  PostgresCluster& operator=(const PostgresCluster&) = delete;
  ~PostgresCluster();

  std::string url(const std::string& database) const;
  // An empty database of a new name; returns the name. drop_database cuts its connections.
  std::string create_database();
  void drop_database(const std::string& name);
  // SQL as the superuser, on the database `postgres`.
  void run(const std::string& sql);
  // Restarts the server; connections are cut.
  void restart();

 private:
  void start();
  void stop();
  void wait_until_ready();
  std::string log_tail() const;

  std::filesystem::path folder_;
  pid_t server_ = -1;
  int databases_ = 0;
};

}  // namespace toll::sql::testing
