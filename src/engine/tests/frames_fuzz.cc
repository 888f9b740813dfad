// Whatever bytes a worker sends, the host's parser answers or refuses: no crash, no overrun, and what it takes it can
// say again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/frames.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace toll::engine;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  parse_host_frame(bytes);
  if (auto frame = parse_worker_frame(bytes)) {
    std::string again = encode(*frame);
    if (!parse_worker_frame(std::string_view(again).substr(4))) std::abort();
  }
  FrameSplitter splitter;
  std::string text;
  for (std::size_t at = 0; at < size; at += 7) {
    splitter.append(bytes.substr(at, 7));
    while (splitter.next(text) == FrameSplitter::Next::frame) parse_worker_frame(text);
  }
  return 0;
}
