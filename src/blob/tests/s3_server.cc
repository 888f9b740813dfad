#include "blob/tests/s3_server.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "base/random.h"

extern char** environ;

namespace toll::blob::testing {

namespace {
// Debian's, which sees Debian's Swift.
constexpr const char* python = "/usr/bin/python3";
}  // namespace

const S3Server& S3Server::shared() {
  static const S3Server server;
  return server;
}

S3Server::S3Server() {
  std::array<int, 2> input{}, output{};
  if (::pipe(input.data()) != 0 || ::pipe(output.data()) != 0) std::abort();
  const std::string script = std::string(TOLL_SOURCE_DIR) + "/tests/functional/support/s3_server.py";
  std::array<char*, 3> arguments{const_cast<char*>(python), const_cast<char*>(script.c_str()), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input[0], 0);
  posix_spawn_file_actions_adddup2(&actions, output[1], 1);
  for (int fd : {input[0], input[1], output[0], output[1]}) posix_spawn_file_actions_addclose(&actions, fd);
  const int failed = ::posix_spawn(&process_, python, &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(input[0]);
  ::close(output[1]);
  input_ = input[1];
  std::string line;
  if (failed == 0)
    for (char c = 0; ::read(output[0], &c, 1) == 1 && c != '\n';) line += c;
  ::close(output[0]);
  std::istringstream words(line);
  if (!(words >> endpoint_ >> access_key_ >> secret_key_)) missing_ = "no S3 server: install Debian's swift packages";
}

S3Server::~S3Server() {
  ::close(input_);
  if (process_ > 0) ::waitpid(process_, nullptr, 0);
}

S3Options S3Server::fresh_bucket() const {
  SystemRandom random;
  S3Options options;
  options.endpoint = endpoint_;
  options.credentials = {access_key_, secret_key_};
  options.bucket = "b" + random.uuid4();
  options.prefix = "house/";
  options.spool = std::filesystem::temp_directory_path() / "toll-s3-spool";
  options.part_size = 5 << 20;
  return options;
}

}  // namespace toll::blob::testing
