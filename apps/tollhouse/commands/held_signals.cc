#include "tollhouse/commands/held_signals.h"

namespace toll::app {

namespace {

volatile std::sig_atomic_t came = 0;

void note(int signal) {
  came = signal;
}

}  // namespace

HeldSignals::HeldSignals() {
  came = 0;
  struct sigaction held {};
  held.sa_handler = &note;
  held.sa_flags = SA_RESTART;
  sigemptyset(&held.sa_mask);
  ::sigaction(SIGINT, &held, &interrupt_);
  ::sigaction(SIGTERM, &held, &terminate_);
}

HeldSignals::~HeldSignals() {
  ::sigaction(SIGINT, &interrupt_, nullptr);
  ::sigaction(SIGTERM, &terminate_, nullptr);
  if (came != 0) ::raise(came);
}

}  // namespace toll::app
