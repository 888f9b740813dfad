#include "metering/tests/redis_server.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>

namespace toll::metering {

namespace {
constexpr const char* program = "/usr/bin/redis-server";
}

bool RedisServer::available() {
  return access(program, X_OK) == 0;
}

RedisServer::RedisServer() {
  auto pattern = (std::filesystem::temp_directory_path() / "tollhouse-redis.XXXXXX").string();
  if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
  folder_ = pattern;
  start();
}

RedisServer::~RedisServer() {
  stop();
  std::filesystem::remove_all(folder_);
}

void RedisServer::start() {
  const auto path = socket().string(), folder = folder_.string();
  server_ = fork();
  if (server_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nothing = open("/dev/null", O_RDWR);
    dup2(nothing, 1);
    dup2(nothing, 2);
    execl(program, program, "--port", "0", "--unixsocket", path.c_str(), "--dir", folder.c_str(), "--save", "",
          "--appendonly", "no", nullptr);
    _exit(127);
  }
  for (int i = 0; i < 500; ++i) {
    auto* context = redisConnectUnix(path.c_str());
    const bool fine = context && !context->err;
    redisFree(context);
    if (fine) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  throw std::runtime_error("redis-server does not start");
}

void RedisServer::stop() {
  if (server_ <= 0) return;
  kill(server_, SIGKILL);
  waitpid(server_, nullptr, 0);
  server_ = -1;
}

void RedisServer::restart() {
  stop();
  start();
}

void RedisServer::command(const char* words) const {
  auto* context = redisConnectUnix(socket().c_str());
  freeReplyObject(redisCommand(context, words));
  redisFree(context);
}

void RedisServer::freeze() {
  kill(server_, SIGSTOP);
}

void RedisServer::thaw() {
  kill(server_, SIGCONT);
}

}  // namespace toll::metering
