#include "inference/model_files.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

namespace toll::inference {
namespace {

using std::chrono::milliseconds;

// A store that is elsewhere: what is fetched from it takes as long as the test wants.
struct Elsewhere final : blob::Store {
  struct Remote final : blob::Reader {
    explicit Remote(const Elsewhere& store) : store_(store) {}
    std::uint64_t size() const override { return 10; }
    std::size_t read_at(std::uint64_t, std::span<std::byte>) const override { return 0; }
    int local_fd() const override {
      ++store_.fetched;
      store_.gate.wait();
      if (store_.broken) throw std::runtime_error("no network");
      return 7;
    }
    const Elsewhere& store_;
  };
  Result<std::unique_ptr<blob::Writer>> create() override { return Reason::internal; }
  Result<std::unique_ptr<blob::Scratch>> scratch() override { return Reason::internal; }
  Result<std::shared_ptr<const blob::Reader>> open(const Sha256& digest) const override {
    if (digest == sha256("gone")) return Reason::not_found;
    return std::shared_ptr<const blob::Reader>(std::make_shared<Remote>(*this));
  }
  bool exists(const Sha256&) const override { return true; }
  bool remove(const Sha256&) override { return false; }
  void for_each(const std::function<void(const Sha256&, std::uint64_t)>&) const override {}
  std::size_t remove_leftovers() override { return 0; }

  mutable std::atomic<int> fetched = 0;
  std::atomic<bool> broken = false;
  std::promise<void> opening;
  std::shared_future<void> gate{opening.get_future()};
};

TEST(ModelFiles, are_fetched_once_and_kept_for_the_next_worker) {
  Elsewhere store;
  store.opening.set_value();
  ModelFiles files(store, {.kept_bytes = 20, .patience = milliseconds(60'000)});
  const auto a = sha256("a"), b = sha256("b"), c = sha256("c");
  for (const auto& digest : {a, a, b, a}) ASSERT_TRUE(files.open(digest));
  EXPECT_EQ(store.fetched, 2);
  ASSERT_TRUE(files.open(c));
  EXPECT_EQ(store.fetched, 3);
  ASSERT_TRUE(files.open(a));
  EXPECT_EQ(store.fetched, 3) << "b was used longest ago, and there is room for two";
  ASSERT_TRUE(files.open(b));
  EXPECT_EQ(store.fetched, 4);
}

// Who is hurt: a caller who waits for minutes on a call that may take one.
TEST(ModelFiles, that_come_slowly_are_not_waited_for_beyond_the_patience_and_are_there_later) {
  Elsewhere store;
  ModelFiles files(store, {.kept_bytes = 100, .patience = milliseconds(1)});
  const auto slow = files.open(sha256("a"));
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().reason(), Reason::overloaded);
  store.opening.set_value();
  while (!files.open(sha256("a"))) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_EQ(store.fetched, 1) << "the first fetch was gone on with";
}

TEST(ModelFiles, are_fetched_a_few_at_a_time) {
  Elsewhere store;
  ModelFiles files(store, {.kept_bytes = 100, .patience = milliseconds(1), .fetches = 2});
  for (const auto* name : {"a", "b", "c"}) EXPECT_FALSE(files.open(sha256(name)));
  EXPECT_LE(store.fetched, 2);
  store.opening.set_value();
  while (!files.open(sha256("c"))) std::this_thread::sleep_for(milliseconds(1));
}

TEST(ModelFiles, that_could_not_be_fetched_are_tried_again) {
  Elsewhere store;
  store.opening.set_value();
  store.broken = true;
  ModelFiles files(store, {.kept_bytes = 100, .patience = milliseconds(60'000)});
  EXPECT_EQ(files.open(sha256("gone")).error().reason(), Reason::not_found);
  EXPECT_THROW((void)files.open(sha256("a")), std::runtime_error);
  store.broken = false;
  EXPECT_TRUE(files.open(sha256("a")));
}

}  // namespace
}  // namespace toll::inference
