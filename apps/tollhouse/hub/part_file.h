// A file that is being fetched, with what it holds already. Private to hub/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace toll::app::hub {

// Throws std::system_error, of the disk too.
class PartFile {
 public:
  explicit PartFile(const std::filesystem::path& path);  // made if it is not there
  ~PartFile();
  PartFile(const PartFile&) = delete;

  std::uint64_t size() const { return size_; }
  void clear();
  void append(std::string_view bytes);

 private:
  [[noreturn]] void fail() const;
  int fd_;
  std::uint64_t size_ = 0;
  std::filesystem::path path_;
};

}  // namespace toll::app::hub
