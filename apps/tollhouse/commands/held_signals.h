// Ctrl-C in the middle of a transaction that gives files their names would leave files that nobody refers to.
#pragma once

#include <csignal>

namespace toll::app {

// While it lives SIGINT and SIGTERM wait, for the whole process; one that came does its work at the end. One at a time,
// of a command with a single thread of its own.
class HeldSignals {
 public:
  HeldSignals();
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  struct sigaction interrupt_, terminate_;  // as they were
};

}  // namespace toll::app
