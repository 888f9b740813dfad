// Arbitrary bytes must end in samples or in a fault: never in a crash, a hang, or a value that is not finite.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>

#include "engines/av/files.h"
#include "engines/separation/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace toll::engines::separation;
  const int fd = ::memfd_create("fuzz", MFD_CLOEXEC);
  av::write_at(fd, 0, std::as_bytes(std::span(data, size))).value();
  if (auto decoder = Decoder::open(fd, 5, {})) {
    std::vector<float> block(1 << 14);
    for (bool more = true; more;) {
      const auto got = decoder->read(block);
      for (std::size_t i = 0; got && i < 2 * *got; ++i)
        if (!std::isfinite(block[i])) std::abort();
      more = got && 2 * *got == block.size();
    }
  }
  ::close(fd);
  return 0;
}
