#include "engines/onnx/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace toll::engines::onnx {

namespace {

constexpr std::size_t large = 64 << 10;  // from here on blocks come from the region
constexpr std::size_t huge_page = 2 << 20;
constexpr std::size_t smallest_region = 64 << 20;

std::size_t rounded(std::size_t bytes) {
  const std::size_t unit = bytes < large ? 64 : 4096;
  return (std::max<std::size_t>(bytes, 1) + unit - 1) / unit * unit;
}

}  // namespace

BlockPool::~BlockPool() {
  if (region_) ::munmap(region_, region_size_);
}

// Addresses only: pages come with the first touch. Takes less where the process may not have so many.
bool BlockPool::reserve() {
  const std::size_t wanted = std::min<std::uint64_t>(limit_, 1ull << 44) / huge_page * huge_page;
  for (std::size_t size = wanted; size >= smallest_region; size = size / 4 * 3 / huge_page * huge_page) {
    void* raw = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) continue;
    ::madvise(raw, size, MADV_HUGEPAGE);  // a wish: the kernel may not have them
    region_ = static_cast<std::byte*>(raw);
    region_size_ = size;
    gaps_[0] = size;
    return true;
  }
  return false;
}

void* BlockPool::take(std::size_t bytes) {
  if (!region_ && !reserve()) return nullptr;
  auto gap = std::find_if(gaps_.begin(), gaps_.end(), [&](const auto& one) { return one.second >= bytes; });
  if (gap == gaps_.end()) return nullptr;
  const auto [offset, size] = *gap;
  gaps_.erase(gap);
  if (size > bytes) gaps_[offset + bytes] = size - bytes;
  reach_ = std::max<std::uint64_t>(reach_, offset + bytes);
  return region_ + offset;
}

void BlockPool::give_back(std::size_t offset, std::size_t bytes) {
  auto next = gaps_.lower_bound(offset);
  if (next != gaps_.end() && next->first == offset + bytes) {
    bytes += next->second;
    next = gaps_.erase(next);
  }
  if (next != gaps_.begin()) {
    auto before = std::prev(next);
    if (before->first + before->second == offset) {
      before->second += bytes;
      return;
    }
  }
  gaps_[offset] = bytes;
}

void* BlockPool::allocate(std::size_t bytes) {
  if (bytes > SIZE_MAX / 2) return nullptr;
  const std::size_t size = rounded(bytes);
  std::lock_guard lock(mutex_);
  if (size > limit_ || used_ > limit_ - size) return nullptr;
  void* block = size >= large ? take(size) : std::aligned_alloc(64, size);
  if (!block) return nullptr;
  sizes_.emplace(block, size);
  used_ += size;
  if (size < large) small_ += size;
  peak_ = std::max(peak_, reach_ + small_);
  return block;
}

void BlockPool::release(void* block) {
  if (!block) return;
  std::lock_guard lock(mutex_);
  auto found = sizes_.find(block);
  if (found == sizes_.end()) throw std::logic_error("a block that is not of this pool");
  const std::size_t size = found->second;
  sizes_.erase(found);
  used_ -= size;
  if (size >= large) {
    give_back(static_cast<std::size_t>(static_cast<std::byte*>(block) - region_), size);
    return;
  }
  small_ -= size;
  std::free(block);
}

void BlockPool::set_limit(std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  if (region_ && used_ == small_ && bytes != limit_) {
    ::munmap(region_, region_size_);
    region_ = nullptr;
    gaps_.clear();
    reach_ = 0;
  }
  limit_ = bytes;
}

std::uint64_t BlockPool::used() const {
  std::lock_guard lock(mutex_);
  return used_;
}

std::uint64_t BlockPool::peak() const {
  std::lock_guard lock(mutex_);
  return peak_;
}

void BlockPool::trim() {
  std::lock_guard lock(mutex_);
  for (const auto& [offset, size] : gaps_) ::madvise(region_ + offset, size, MADV_DONTNEED);
}

}  // namespace toll::engines::onnx
