// Anything as a checkpoint, as a pickle and as the description of a bag: refused or read, never run, never outside of
// the bytes, in bounded memory.
#include <cstddef>
#include <cstdint>

#include "engines/htdemucs/checkpoint.h"
#include "engines/htdemucs/pickle.h"

using namespace toll::engines::htdemucs;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bytes = std::as_bytes(std::span(data + 1, size - 1));
  switch (data[0] % 3) {
    case 0:
      if (auto checkpoint = read_checkpoint(bytes))
        for (const auto& [name, tensor] : checkpoint->state) (void)to_floats(name, tensor).has_value();
      break;
    case 1:
      (void)Pickle::parse(bytes).has_value();
      break;
    default:
      (void)read_bag({reinterpret_cast<const char*>(bytes.data()), bytes.size()}).has_value();
  }
  return 0;
}
