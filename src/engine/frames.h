// The words between host and worker. A frame is a length (u32, little-endian) and a JSON object; see frames.cc for the
// members. Descriptors travel beside a run frame, in the order inputs, outputs, scratch.
//
// What a worker says is hostile: it has parsed a stranger's file and may be under a stranger's control. Everything is
// bounded and anything unexpected is malformed, upon which the host kills the worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/fault.h"

namespace toll::engine {

inline constexpr std::size_t max_frame_bytes = 1 << 20;
inline constexpr std::size_t max_descriptors = 64;

// host -> worker
struct RunFrame {
  std::int64_t run = 0;  // every message about this run carries it
  std::string engine;
  std::string params;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::size_t scratch = 0;
  std::size_t descriptors() const { return inputs.size() + outputs.size() + scratch; }
};
struct CancelFrame {
  std::int64_t run = 0;
};
using HostFrame = std::variant<RunFrame, CancelFrame>;

// worker -> host
struct ProgressFrame {
  std::int64_t run = 0;
  double fraction = 0;  // 0..1
};
struct DoneFrame {
  std::int64_t run = 0;
  std::string answer;  // a JSON object
};
struct FailedFrame {
  std::int64_t run = 0;
  Fault fault;
};
using WorkerFrame = std::variant<ProgressFrame, DoneFrame, FailedFrame>;

// The frame with its length. Throw std::length_error when it would be larger than max_frame_bytes.
std::string encode(const HostFrame& frame);
std::string encode(const WorkerFrame& frame);

// The JSON of one frame, without its length; nullopt when it is malformed.
std::optional<HostFrame> parse_host_frame(std::string_view text);
// Also refuses reasons that no run of an engine ends in; cuts texts and takes control characters out of them.
std::optional<WorkerFrame> parse_worker_frame(std::string_view text);

// Cuts a stream of bytes into frames.
class FrameSplitter {
 public:
  enum class Next { frame, incomplete, malformed };
  void append(std::string_view bytes) { buffer_.append(bytes); }
  // On frame, `text` is the JSON. After malformed (a length of 0 or above the limit) nothing can follow.
  Next next(std::string& text);
  void clear() { buffer_.clear(); }

 private:
  std::string buffer_;
};

}  // namespace toll::engine
