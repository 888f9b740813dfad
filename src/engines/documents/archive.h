// The parts of a ZIP archive that somebody else made (libzip). Private to engines/documents/.
#pragma once

#include <zip.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace toll::engines::documents {

class Archive {
 public:
  // `bytes` outlive it. Faults: unreadable_document.
  static Result<Archive> open(std::string_view bytes);
  bool has(const std::string& name) const;
  // Unpacked, whatever size the archive claims. Faults: unreadable_document: it is not there, damaged, encrypted, or
  // all parts together are more than most_unpacked_bytes.
  Result<std::string> read(const std::string& name);

 private:
  explicit Archive(zip_t* zip) : zip_(zip, zip_discard) {}
  std::unique_ptr<zip_t, void (*)(zip_t*)> zip_;
  std::size_t unpacked_ = 0;
};

}  // namespace toll::engines::documents
