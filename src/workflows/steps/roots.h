// Folders of this machine that the operator lets workflows use, by name. Whatever path a workflow writes, it ends below
// its folder: the kernel resolves it so (openat2 with RESOLVE_BENEATH), and symbolic links are not followed.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/fd.h"

namespace toll::workflows::steps {

struct Root {
  std::filesystem::path path;
  bool writable = true;
};

class Roots {
 public:
  // "NAME=/PATH" or "NAME=/PATH:ro", as config::Folders has them.
  explicit Roots(const std::vector<std::string>& entries);
  const Root* find(std::string_view name) const;

 private:
  std::map<std::string, Root, std::less<>> roots_;
};

// Whether a path could lie below a folder: relative, without "." and ".." parts and NUL, at most 4096 bytes.
bool is_plain_path(std::string_view path);

// A descriptor below the root; `flags` as of open(2). An empty path is the root itself. nullopt: it is not there, is no
// such thing, or leads out.
std::optional<engine::Fd> open_below(const Root& root, const std::string& path, int flags, unsigned mode = 0);
// The folder, made with all that lead to it. nullopt: it cannot be.
std::optional<engine::Fd> make_folder_below(const Root& root, const std::string& path);

}  // namespace toll::workflows::steps
