// Files on their way in and out of steps.
#pragma once

#include <string>
#include <string_view>

#include "egress/client.h"
#include "workflows/steps/basic.h"

namespace toll::workflows::steps {

// Of a file of the store, by its bytes; a ZIP archive is looked into.
std::string type_of_file(const blob::Reader& file, std::string_view name, const DetectType& detect);
// "pdf" of "application/pdf"; empty: unknown.
std::string_view extension_of(std::string_view mime);
// The last part of a path as a name for a file, without characters that mean something elsewhere; "file" if nothing is
// left.
std::string name_of_path(std::string_view path);

// Bytes that come in piece by piece, into the store.
class Incoming {
 public:
  // Throws what the store throws. A fault of the store shows at finish().
  Incoming(blob::Store& store, std::uint64_t most);
  // False: no more is wanted.
  bool write(std::string_view bytes);
  // Why write() said no; nullopt: it did not.
  std::optional<StepFault> why_it_ended() const;
  // A source's output: {name, mime, size, sha256, text or data}, and the file. StepFault file_too_large, engine_failed.
  StepResult finish(std::string name, const DetectType& detect);

 private:
  std::unique_ptr<blob::Writer> writer_;
  std::optional<Fault> broken_;
  const std::uint64_t most_;
  std::uint64_t size_ = 0;
  bool too_large_ = false;
  std::string beginning_;  // the whole, while it is short enough to be shown as text
};

// GET of the item's URL, as a source's output.
StepResult fetch_item(const egress::Client& client, const Call& call,
                      std::vector<std::pair<std::string, std::string>> headers, const DetectType& detect,
                      std::stop_token stop);

StepFault too_large(std::uint64_t most_bytes);
// Of a fault of egress/.
StepFault fetch_fault(const Fault& fault, std::uint64_t most_bytes);

}  // namespace toll::workflows::steps
