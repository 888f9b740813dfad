// A client of Hugging Face-compatible hubs: what a revision is, which files it has, and their bytes, resumed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "models/snapshots.h"
#include "tollhouse/hub/options.h"

namespace toll::app::hub {

struct File {
  std::string path;
  std::uint64_t size = 0;
  std::optional<Sha256> sha256;  // of LFS files
  std::string git_blob;          // of the others: Git's SHA-1, hexadecimal
};

// Called with the bytes that have just come; negative when they are thrown away again. From any thread.
using Progress = std::function<void(std::int64_t)>;

// Thread-safe. Faults everywhere: not_found (no such repository or revision, or not for this token), upstream_failed.
class Client {
 public:
  explicit Client(Options options);

  // The revision's commit and what the hub says of the model. `source.commit` is always set.
  Result<models::Source> resolve(const std::string& repo, const std::string& revision) const;
  // Every file of a commit, page after page.
  Result<std::vector<File>> files(const std::string& repo, const std::string& commit) const;
  // The bytes of a file into `part`, which may hold the beginning of them. The token goes to the hub alone, not to
  // where it redirects. What has come stays there when this fails.
  Result<void> download(const std::string& repo, const std::string& commit, const File& file,
                        const std::filesystem::path& part, const Progress& progress) const;

 private:
  const Options options_;
};

}  // namespace toll::app::hub
