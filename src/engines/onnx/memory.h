// The memory of the models of this process: bounded, and kept between runs. Large blocks are mapped on their own,
// aligned for huge pages and used again: a model asks for the same sizes in every run, and fresh pages cost more than
// the arithmetic on them.
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

  // 64-byte aligned; nullptr when the limit or the process has no more. Contents are unspecified.
  void* allocate(std::size_t bytes);
  void release(void* block);  // nullptr is nothing

  void set_limit(std::uint64_t bytes);
  std::uint64_t used() const;  // handed out
  std::uint64_t peak() const;  // most that was held at once: handed out and kept
  // Gives kept blocks back to the system.
  void trim();

 private:
  void* take_kept(std::size_t bytes);
  void drop_kept();

  mutable std::mutex mutex_;
  std::uint64_t limit_ = UINT64_MAX, used_ = 0, kept_ = 0, peak_ = 0;
  std::unordered_map<void*, std::size_t> sizes_;
  std::multimap<std::size_t, void*> free_;
};

}  // namespace toll::engines::onnx
