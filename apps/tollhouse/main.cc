#include <unistd.h>

#include <csignal>
#include <cstring>
#include <iostream>

#include "engine/tool.h"
#include "tollhouse/cli.h"

int main(int argc, char** argv) {
  // What follows is another program's command line, not ours to read.
  if (argc > 1 && std::strcmp(argv[1], "tool") == 0) return toll::engine::become_tool({argv + 2, argv + argc});
  std::signal(SIGXFSZ, SIG_IGN);  // a file that is too large is an error of write(), not the end
  toll::app::Streams streams{
      .in = std::cin, .out = std::cout, .err = std::cerr, .err_is_terminal = ::isatty(STDERR_FILENO) == 1};
  return toll::app::run({argv + 1, argv + argc}, streams);
}
