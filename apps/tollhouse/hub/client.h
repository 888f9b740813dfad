// A client of Hugging Face-compatible hubs: what a revision is, which files it has, and their bytes, resumed.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "models/snapshots.h"

namespace toll::app::hub {

struct Options {
  std::string endpoint = "https://huggingface.co";
  std::string token;                     // may be empty
  int attempts = 5;                      // of each request; a download goes on where it broke
  std::chrono::milliseconds pause{500};  // before the second attempt; doubles
  std::chrono::seconds patience{60};     // without news
};

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

// A file that no list tells the size of, into `part`; what `part` holds is thrown away. Goes on where a transfer broke.
// Faults: not_found, upstream_failed (more than `most` bytes too).
Result<void> fetch(const Options& options, const std::string& url, const std::filesystem::path& part,
                   std::uint64_t most, const Progress& progress);

}  // namespace toll::app::hub
