// Anything as a package, as a table, and as the index of a checkpoint with its values: refused or read, never outside
// of the bytes, in bounded memory.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "engines/spleeter/checkpoint.h"
#include "engines/spleeter/package.h"
#include "engines/spleeter/table.h"

using namespace toll::engines::spleeter;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const auto bytes = std::as_bytes(std::span(data + 3, size - 3));
  const auto index = bytes.first(std::min<std::size_t>(bytes.size(), static_cast<std::size_t>(data[1] | data[2] << 8)));
  switch (data[0] % 3) {
    case 0:
      (void)read_archive(bytes).has_value();
      break;
    case 1:
      (void)read_table(bytes).has_value();
      break;
    default:
      if (auto checkpoint = read_checkpoint(index, bytes.subspan(index.size())))
        for (const auto& [name, tensor] : *checkpoint) (void)to_floats(name, tensor).has_value();
  }
  return 0;
}
