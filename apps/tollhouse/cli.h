// The command line: what can be asked of the one binary.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace toll::app {

// Where a command line speaks, and whether its standard error is a terminal.
struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool err_is_terminal = false;
};

// Runs one command line (without the program's name) to its exit status: 0 done, 1 failed, 2 misused.
int run(const std::vector<std::string>& arguments, const Streams& streams);

}  // namespace toll::app
