#include "sql/testing/postgres_cluster.h"

#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

namespace toll::sql::testing {

namespace fs = std::filesystem;

namespace {

const fs::path binaries = "/usr/lib/postgresql/15/bin";
constexpr const char* user = "postgres";

const passwd* server_user() {
  return ::geteuid() == 0 ? ::getpwnam(user) : ::getpwuid(::geteuid());
}

// In the child, between fork and exec.
[[noreturn]] void become(const passwd& who, const std::string& log, const std::vector<std::string>& command) {
  if (::geteuid() == 0 && (::initgroups(who.pw_name, who.pw_gid) || ::setgid(who.pw_gid) || ::setuid(who.pw_uid)))
    ::_exit(125);
  // After setuid, which clears it: the server must not outlive a test that crashed.
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  if (::chdir("/") != 0) ::_exit(126);
  std::vector<char*> arguments;
  for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

pid_t spawn(const std::string& log, const std::vector<std::string>& command) {
  const passwd who = *server_user();
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) become(who, log, command);
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

std::optional<std::string> PostgresCluster::unavailable() {
  if (!fs::exists(binaries / "postgres") || !fs::exists(binaries / "initdb"))
    return "PostgreSQL is not tested here: install the package postgresql-15";
  if (!server_user()) return "PostgreSQL is not tested here: it does not run as root, and there is no user postgres";
  return std::nullopt;
}

PostgresCluster& PostgresCluster::shared() {
  static PostgresCluster cluster;
  return cluster;
}

PostgresCluster::PostgresCluster() {
  std::string name = "/tmp/toll-postgres-XXXXXX";
  if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make a folder in /tmp");
  folder_ = name;
  if (::geteuid() == 0 && ::chown(name.c_str(), server_user()->pw_uid, server_user()->pw_gid) != 0)
    throw std::runtime_error("cannot give a folder to the user postgres");
  const int status =
      wait_for(spawn(folder_ / "log", {binaries / "initdb", "-D", folder_ / "data", "-U", "toll", "-A", "trust", "-E",
                                       "UTF8", "--locale=C", "--no-sync", "--no-instructions"}));
  if (status != 0) throw std::runtime_error("initdb failed:\n" + log_tail());
  start();
}

PostgresCluster::~PostgresCluster() {
  stop();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void PostgresCluster::start() {
  std::vector<std::string> command = {binaries / "postgres", "-D", folder_ / "data"};
  for (const std::string setting : {"listen_addresses=", "fsync=off", "full_page_writes=off", "shared_buffers=32MB",
                                    "max_connections=200", "autovacuum=off", "deadlock_timeout=100ms"})
    command.insert(command.end(), {"-c", setting});
  command.insert(command.end(), {"-c", "unix_socket_directories=" + folder_.string()});
  server_ = spawn(folder_ / "log", command);
  wait_until_ready();
}

void PostgresCluster::stop() {
  if (server_ < 0) return;
  ::kill(server_, SIGINT);
  wait_for(server_);
  server_ = -1;
}

void PostgresCluster::restart() {
  stop();
  start();
}

void PostgresCluster::wait_until_ready() {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const std::string where = url("postgres");
  while (PQping(where.c_str()) != PQPING_OK) {
    if (::waitpid(server_, nullptr, WNOHANG) == server_ || std::chrono::steady_clock::now() > give_up)
      throw std::runtime_error("PostgreSQL did not start:\n" + log_tail());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

std::string PostgresCluster::log_tail() const {
  std::ifstream file(folder_ / "log");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  return text.size() > 2000 ? text.substr(text.size() - 2000) : text;
}

std::string PostgresCluster::url(const std::string& database) const {
  return "postgresql:///" + database + "?user=toll&host=" + folder_.string();
}

std::string PostgresCluster::create_database() {
  const std::string name = "test" + std::to_string(++databases_);
  run("CREATE DATABASE " + name);
  return name;
}

void PostgresCluster::drop_database(const std::string& name) {
  run("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
}

void PostgresCluster::run(const std::string& sql) {
  const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(url("postgres").c_str()), PQfinish);
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(connection.get(), sql.c_str()), PQclear);
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    throw std::runtime_error(sql + ": " + PQerrorMessage(connection.get()));
}

}  // namespace toll::sql::testing
