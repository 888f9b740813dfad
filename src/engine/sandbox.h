// The cage of a worker: what is left of the kernel once it has a stranger's file in hand.
#pragma once

namespace toll::engine {

// Allows this process, all its threads and those to come: memory, threads, time, randomness, and reading and writing
// descriptors it already has. Everything else fails with EPERM, so that libraries take their fallbacks; calls that only
// an attack makes kill the process. Cannot be undone. Throws std::runtime_error when the filter cannot be installed.
//
// Left open: fstatat and statx with AT_EMPTY_PATH, which glibc's fstat needs; they tell sizes and times of named files,
// never their contents.
void enter_sandbox();

// The wider cage of a program of somebody else's that is about to be executed (tool.h): it may also read, map and
// execute what lies in the system's folders (Landlock), because its libraries are opened after this. No other folder,
// nothing to write, no network, no second process. Throws std::runtime_error when the kernel cannot do that.
void enter_tool_sandbox();

}  // namespace toll::engine
