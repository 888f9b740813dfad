#include "engines/onnx/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace toll::engines::onnx {

namespace {

constexpr std::size_t large = 512 << 10;  // from here on blocks are mapped and kept
constexpr std::size_t huge_page = 2 << 20;
constexpr std::size_t alignment = 64;

std::size_t rounded(std::size_t bytes) {
  const std::size_t unit = bytes < large ? alignment : bytes < huge_page ? 64 << 10 : huge_page;
  return (std::max<std::size_t>(bytes, 1) + unit - 1) / unit * unit;
}

// Mapped with room to spare, of which the unaligned ends are given back.
void* map_block(std::size_t bytes) {
  const std::size_t wanted = bytes >= huge_page ? bytes + huge_page : bytes;
  void* raw = ::mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  if (wanted == bytes) return raw;
  auto* begin = static_cast<std::byte*>(raw);
  const auto over = reinterpret_cast<std::uintptr_t>(begin) % huge_page;
  auto* block = over ? begin + (huge_page - over) : begin;
  if (block != begin) ::munmap(begin, static_cast<std::size_t>(block - begin));
  const auto tail = static_cast<std::size_t>(begin + wanted - (block + bytes));
  if (tail) ::munmap(block + bytes, tail);
  ::madvise(block, bytes, MADV_HUGEPAGE);  // a wish: the kernel may not have them
  return block;
}

}  // namespace

BlockPool::~BlockPool() {
  drop_kept();
}

void* BlockPool::allocate(std::size_t bytes) {
  if (bytes > SIZE_MAX / 2) return nullptr;
  const std::size_t size = rounded(bytes);
  std::lock_guard lock(mutex_);
  void* block = size >= large ? take_kept(size) : nullptr;
  if (!block) {
    if (used_ + kept_ + size > limit_) drop_kept();
    if (used_ + size > limit_) return nullptr;
    block = size >= large ? map_block(size) : std::aligned_alloc(alignment, size);
    if (!block && kept_) {
      drop_kept();
      block = size >= large ? map_block(size) : std::aligned_alloc(alignment, size);
    }
    if (!block) return nullptr;
    sizes_.emplace(block, size);
  }
  used_ += sizes_.at(block);
  peak_ = std::max(peak_, used_ + kept_);
  return block;
}

void BlockPool::release(void* block) {
  if (!block) return;
  std::lock_guard lock(mutex_);
  auto found = sizes_.find(block);
  if (found == sizes_.end()) throw std::logic_error("a block that is not of this pool");
  used_ -= found->second;
  if (found->second >= large) {
    kept_ += found->second;
    free_.emplace(found->second, block);
    return;
  }
  sizes_.erase(found);
  std::free(block);
}

// The smallest that fits, unless a quarter of it would lie idle.
void* BlockPool::take_kept(std::size_t bytes) {
  auto found = free_.lower_bound(bytes);
  if (found == free_.end() || found->first - bytes > found->first / 4) return nullptr;
  void* block = found->second;
  kept_ -= found->first;
  free_.erase(found);
  return block;
}

void BlockPool::drop_kept() {
  for (const auto& [size, block] : free_) {
    ::munmap(block, size);
    sizes_.erase(block);
  }
  free_.clear();
  kept_ = 0;
}

void BlockPool::set_limit(std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
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
  drop_kept();
}

}  // namespace toll::engines::onnx
