// Bytes that publishers send by signed URL. A file is initiated (a slot is open), received (its bytes are there),
// pending (announced before they are) or ready. Only ready files are served, and they never change.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "blob/store.h"
#include "models/publishing.h"
#include "objects/slots.h"
#include "sql/database.h"

namespace toll::models {

struct UploadOptions {
  std::uint64_t max_bytes = std::uint64_t{1} << 40;
};

struct Initiate {
  std::string repo_id, version, rfilename;
  std::chrono::seconds expires{3600};
  int parts = 0;                         // 0: one PUT
  std::optional<std::string> upload_id;  // fresh URLs for an upload under way
};
struct Initiated {
  objects::Slot slot;
  std::vector<int> parts;  // whose bytes are missing
};

struct Declared {
  std::string repo_id, version, rfilename;
  std::optional<std::int64_t> size;
  std::optional<std::string> sha256;  // not 64 hexadecimal digits: a placeholder, nothing is declared
  std::optional<std::string> upload_id;
  std::vector<std::pair<int, std::string>> parts;  // numbers and SHA-256, to be compared; empty: not declared
};
struct Completed {
  bool ready = false;  // else pending
  std::optional<std::int64_t> size;
  std::optional<std::string> sha256;
  bool verified = false;  // a digest was declared and is the bytes'
  std::vector<std::string> warnings;
  std::vector<int> missing_parts;
};

struct UploadStatus {
  objects::Slot slot;
  std::string state;  // initiated, received, pending, ready
  std::string rfilename;
  std::vector<objects::Part> parts;
  std::optional<objects::Object> received;
};

// Thread-safe. Faults everywhere: model_not_found, repo_not_yours, version_not_found.
class Uploads {
 public:
  Uploads(const Clock& clock, const Publishing& publishing, const Catalogue& catalogue, const Feed& feed,
          const AccessLog& log, const objects::Objects& objects, const objects::Slots& slots, blob::Store& store,
          UploadOptions options = {});

  // Faults: upload_not_found; file_exists for a finished upload_id.
  Result<Initiated> initiate(sql::Tx& tx, const Viewer& by, const Initiate& wanted, const Trace& trace) const;
  // Blocking, with transactions of its own: parts are joined between them. Faults: upload_not_found, size_mismatch with
  // `declared` and `received`, digest_mismatch with the same, invalid_part, file_exists, storage_full.
  Result<Completed> complete(sql::Database& db, const Viewer& by, const Declared& declared, const Trace& trace) const;
  // Faults: upload_not_found.
  Result<UploadStatus> status(sql::Tx& tx, const Viewer& by, std::string_view repo_id, std::string_view version,
                              std::string_view upload_id) const;
  Result<void> abort(sql::Tx& tx, const Viewer& by, std::string_view repo_id, std::string_view version,
                     std::string_view upload_id, const Trace& trace) const;

  // The bytes of a slot have landed: a pending file becomes ready. Faults: bad_digest, file_exists.
  Result<void> landed(sql::Tx& tx, const objects::Slot& slot, const objects::Object& received) const;
  // Uploads whose URLs have ended no longer keep their versions open.
  std::size_t tick(sql::Tx& tx, std::size_t limit = 500) const;
  // Forgets uploads whose slots have been swept; how many.
  std::size_t purge(sql::Tx& tx, std::size_t limit = 500) const;

 private:
  struct Target;
  Result<Target> target(sql::Tx& tx, const Viewer& by, std::string_view repo_id, std::string_view version) const;
  Result<Completed> settle(sql::Tx& tx, const Target& target, const Declared& declared,
                           const std::optional<objects::Slot>& slot, const Trace& trace) const;
  Result<void> make_ready(sql::Tx& tx, const Target& target, std::string_view rfilename,
                          const objects::Object& received) const;

  const Clock& clock_;
  const Publishing& publishing_;
  const Catalogue& catalogue_;
  const Feed& feed_;
  const AccessLog& log_;
  const objects::Objects& objects_;
  const objects::Slots& slots_;
  blob::Store& store_;
  UploadOptions options_;
};

}  // namespace toll::models
