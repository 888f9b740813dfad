#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "engines/onnx/refuse.h"
#include "engines/spleeter/archive.h"
#include "engines/spleeter/inflate.h"

namespace toll::engines::spleeter {
namespace {

using onnx::refuse;

constexpr std::size_t block = 512, most_entries = 10'000;
constexpr std::uint64_t most_in_all = std::uint64_t{4} << 30;
using Head = std::array<std::byte, block>;

// The text of a field, up to its first NUL.
std::string text(const Head& head, std::size_t offset, std::size_t size) {
  std::string out(reinterpret_cast<const char*>(head.data() + offset), size);
  return out.substr(0, out.find('\0'));
}

std::optional<std::uint64_t> octal(const Head& head, std::size_t offset, std::size_t size) {
  auto digits = text(head, offset, size);
  std::erase(digits, ' ');
  if (digits.empty() || digits.find_first_not_of("01234567") != digits.npos) return std::nullopt;
  return std::stoull(digits, nullptr, 8);
}

// The sum of all bytes, those of the sum itself as blanks.
bool sum_fits(const Head& head) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < block; ++i)
    sum += i >= 148 && i < 156 ? std::uint64_t{' '} : static_cast<std::uint64_t>(head[i]);
  return octal(head, 148, 8) == sum;
}

std::string path_of(const Head& head) {
  const auto prefix = text(head, 257, 5) == "ustar" ? text(head, 345, 155) : std::string();
  return prefix.empty() ? text(head, 0, 100) : prefix + "/" + text(head, 0, 100);
}

class Tar {
 public:
  explicit Tar(std::span<const std::byte> archive)
      : source_(archive, Inflater::Format::gzip), packed_(archive.size()) {}

  Result<void> read(ArchiveVisitor& visitor) {
    for (std::size_t entries = 0;; ++entries) {
      Head head;
      const auto got = TOLL_TRY(source_.read(head));
      const bool empty = std::ranges::all_of(head, [](std::byte byte) { return byte == std::byte{0}; });
      if (got == 0 || (got == block && empty)) return drain();
      if (got != block) return refuse("the archive is cut short");
      if (entries == most_entries) return refuse("the archive holds too many files");
      if (auto read = read_entry(head, visitor); !read) return read;
    }
  }

 private:
  Result<void> read_entry(const Head& head, ArchiveVisitor& visitor) {
    const auto size = octal(head, 124, 12);
    if (!size || !sum_fits(head)) return refuse("the archive is malformed");
    passed_ += *size;
    if (*size > most_in_all || passed_ > most_in_all) return refuse("the archive holds too much");
    const auto path = path_of(head);
    const char kind = static_cast<char>(head[156]);
    const auto most = kind == '0' || kind == '\0' ? visitor.most_bytes_of(path) : std::nullopt;
    const auto padding = (block - *size % block) % block;
    if (!most) return skip(*size + padding);
    if (*size > *most) return refuse(path + " is too large");
    if (*size / most_growth > packed_) return refuse("the archive claims more than it can hold");
    std::vector<std::byte> content(*size);
    if (TOLL_TRY(source_.read(content)) != content.size()) return refuse("the archive is cut short");
    if (auto skipped = skip(padding); !skipped) return skipped;
    return visitor.take(path, std::move(content));
  }

  Result<void> skip(std::uint64_t bytes) {
    std::array<std::byte, 64 << 10> scratch;
    while (bytes) {
      const auto part = std::span(scratch).first(std::min<std::uint64_t>(bytes, scratch.size()));
      if (TOLL_TRY(source_.read(part)) != part.size()) return refuse("the archive is cut short");
      bytes -= part.size();
    }
    return {};
  }

  // The gzip's checksum stands behind what follows the archive's end: usually zeros up to a multiple of 10 KiB.
  Result<void> drain() {
    std::array<std::byte, 64 << 10> scratch;
    while (const auto got = TOLL_TRY(source_.read(scratch))) {
      passed_ += got;
      if (passed_ > most_in_all) return refuse("the archive holds too much");
    }
    return {};
  }

  Inflater source_;
  std::size_t packed_;
  std::uint64_t passed_ = 0;
};

}  // namespace

Result<void> read_tar_gz(std::span<const std::byte> archive, ArchiveVisitor& visitor) {
  return Tar(archive).read(visitor);
}

}  // namespace toll::engines::spleeter
