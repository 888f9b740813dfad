// The memory of the models of this process: bounded, and kept between runs. Large blocks come from one region of
// addresses, always from the lowest gap that fits, so that the same pages serve one run after the other: a model asks
// for the same sizes in every run, and fresh pages cost more than the arithmetic on them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <unordered_map>

namespace toll::engines::onnx {

// Thread-safe.
class BlockPool {
 public:
  BlockPool() = default;
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // 64-byte aligned; nullptr when the limit is reached or the process has no more. Contents are unspecified.
  void* allocate(std::size_t bytes);
  void release(void* block);  // nullptr is nothing

  // Of what is handed out at once, and of the region, while no large block is handed out.
  void set_limit(std::uint64_t bytes);
  std::uint64_t used() const;  // handed out
  std::uint64_t peak() const;  // the pages that were ever touched, at most
  // Gives the pages of all gaps back to the system.
  void trim();

 private:
  void* take(std::size_t bytes);
  void give_back(std::size_t offset, std::size_t bytes);
  bool reserve();

  mutable std::mutex mutex_;
  std::uint64_t limit_ = 3ull << 30, used_ = 0, small_ = 0, reach_ = 0, peak_ = 0;
  std::byte* region_ = nullptr;
  std::size_t region_size_ = 0;
  std::map<std::size_t, std::size_t> gaps_;  // offset -> bytes; no two touch
  std::unordered_map<void*, std::size_t> sizes_;
};

}  // namespace toll::engines::onnx
