// The name under which a process claims jobs. It says enough for another process on the same machine to tell, without
// waiting for a lease, that the worker is dead.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"

namespace toll::jobs {

// "<boot id>/<pid namespace>/<pid>/<start time>/<nonce>": this process, now.
std::string this_worker(Random& random);

// True only if the worker's process was on this machine, in this boot and pid namespace, and is gone. False when in
// doubt.
bool surely_dead(std::string_view worker);

}  // namespace toll::jobs
