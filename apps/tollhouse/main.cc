#include <unistd.h>

#include <csignal>
#include <iostream>

#include "tollhouse/cli.h"

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file that is too large is an error of write(), not the end
  toll::app::Streams streams{
      .in = std::cin, .out = std::cout, .err = std::cerr, .err_is_terminal = ::isatty(STDERR_FILENO) == 1};
  return toll::app::run({argv + 1, argv + argc}, streams);
}
