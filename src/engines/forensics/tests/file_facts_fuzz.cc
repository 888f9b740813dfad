// libFuzzer: any bytes as the beginning of a file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "engines/forensics/file_facts.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto facts = toll::engines::forensics::read_file_facts(std::as_bytes(std::span(data, size)));
  if (facts.orientation.exif < 1 || facts.orientation.exif > 8 || facts.software.size() > 64) std::abort();
  return 0;
}
