// Bytes and descriptors over the socket between host and worker.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/fd.h"

namespace toll::engine {

using Deadline = std::chrono::steady_clock::time_point;

// Sends all bytes, the descriptors beside the first of them. Works on blocking and non-blocking sockets. False when the
// other side is gone or the deadline passes.
bool send_all(int socket, std::string_view bytes, std::span<const int> descriptors, Deadline deadline);

enum class Received { bytes, nothing, closed };

// Appends what is there, at most 64 KiB. Descriptors that came along are closed unread: a worker has none to give.
Received receive_bytes(int socket, std::string& out);

// The same, blocking, keeping the descriptors (at most max_descriptors at a time; more are closed).
Received receive_with_descriptors(int socket, std::string& out, std::vector<Fd>& descriptors);

}  // namespace toll::engine
