#include "engines/onnx/memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace toll::engines::onnx {
namespace {

TEST(BlockPool, never_hands_out_more_than_its_limit) {
  BlockPool pool;
  pool.set_limit(100 << 20);
  void* first = pool.allocate(60 << 20);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(pool.allocate(60 << 20), nullptr);
  EXPECT_EQ(pool.allocate(SIZE_MAX), nullptr);
  pool.release(first);
  void* second = pool.allocate(60 << 20);
  EXPECT_NE(second, nullptr);
  pool.release(second);
  EXPECT_EQ(pool.used(), 0u);
}

TEST(BlockPool, serves_the_next_run_from_the_same_pages) {
  BlockPool pool;
  pool.set_limit(1 << 30);
  for (int run = 0; run < 50; ++run) {
    std::vector<void*> blocks;
    for (std::size_t size : {10 << 20, 3 << 20, 20 << 20}) blocks.push_back(pool.allocate(size));
    for (void* block : blocks) pool.release(block);
  }
  EXPECT_LE(pool.peak(), 33u << 20);
}

TEST(BlockPool, keeps_blocks_apart) {
  BlockPool pool;
  pool.set_limit(256 << 20);
  std::mt19937 random(1);
  struct Block {
    unsigned char* at;
    std::size_t size;
    unsigned char mark;
  };
  std::vector<Block> blocks;
  for (int step = 0; step < 3000; ++step) {
    if (blocks.size() > 40 || (!blocks.empty() && random() % 2)) {
      const std::size_t i = random() % blocks.size();
      for (std::size_t n = 0; n < blocks[i].size; n += 997) ASSERT_EQ(blocks[i].at[n], blocks[i].mark);
      pool.release(blocks[i].at);
      blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    const std::size_t size = 1 + random() % (random() % 3 ? 200 << 10 : 2 << 20);
    auto* at = static_cast<unsigned char*>(pool.allocate(size));
    ASSERT_NE(at, nullptr);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(at) % 64, 0u);
    blocks.push_back({at, size, static_cast<unsigned char>(random())});
    std::memset(at, blocks.back().mark, size);
  }
  for (const auto& block : blocks) pool.release(block.at);
  EXPECT_EQ(pool.used(), 0u);
}

}  // namespace
}  // namespace toll::engines::onnx
