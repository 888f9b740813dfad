// What every Store promises. A test binary includes this once and instantiates StoreSuite with its kinds of store.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "blob/store.h"

namespace toll::blob {

struct StoreKind {
  std::string name;
  std::function<std::unique_ptr<Store>()> make;  // an empty one; null: it cannot run here
  bool keeps_open_blobs = true;                  // a reader goes on after removal
};
inline void PrintTo(const StoreKind& kind, std::ostream* out) {
  *out << kind.name;
}

class StoreSuite : public ::testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    if (!store_) GTEST_SKIP() << "what this store needs is not installed";
  }
  std::unique_ptr<Store> store_ = GetParam().make();

  std::unique_ptr<Staged> staged(std::string_view bytes) {
    auto writer = std::move(store_->create()).value();
    writer->write(as_span(bytes)).value();
    return std::move(writer->finish()).value();
  }
  Sha256 put(std::string_view bytes) {
    auto file = staged(bytes);
    file->publish().value();
    return file->stored().digest;
  }
  std::string read(const Sha256& digest) { return read(*store_->open(digest).value()); }
  static std::string read(const Reader& reader) {
    std::string out(reader.size() + 10, '?');
    out.resize(reader.read_at(0, std::as_writable_bytes(std::span(out))));
    return out;
  }
  std::map<std::string, std::uint64_t> contents() {
    std::map<std::string, std::uint64_t> out;
    store_->for_each([&](const Sha256& digest, std::uint64_t size) { out[hex(digest)] = size; });
    return out;
  }
};

// Bytes without a period, so that a piece in the wrong place changes the digest.
inline std::string noise(std::size_t size, std::uint64_t seed = 1) {
  std::string out(size, '\0');
  for (auto& c : out) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    c = static_cast<char>(seed >> 56);
  }
  return out;
}

TEST_P(StoreSuite, gives_back_the_bytes_with_their_digest_size_and_crc) {
  const auto bytes = noise(300'000);
  auto file = staged(bytes);
  file->publish().value();
  EXPECT_EQ(file->stored().digest, sha256(bytes));
  EXPECT_EQ(file->stored().size, bytes.size());
  EXPECT_EQ(file->stored().crc32, crc32(bytes));
  EXPECT_EQ(read(sha256(bytes)), bytes);
}

TEST_P(StoreSuite, puts_pieces_of_every_size_together_in_order) {
  const auto bytes = noise(3'000'000);
  auto writer = std::move(store_->create()).value();
  std::size_t at = 0;
  for (std::size_t step = 1; at < bytes.size(); step = step * 3 + 1) {
    for (auto size : {step % 400'000, std::size_t{0}, std::size_t{7}}) {
      const auto piece = std::string_view(bytes).substr(std::min(at, bytes.size()), size);
      writer->write(as_span(piece)).value();
      at += piece.size();
    }
  }
  auto file = std::move(writer->finish()).value();
  file->publish().value();
  EXPECT_EQ(file->stored().digest, sha256(bytes));
  EXPECT_EQ(read(file->stored().digest), bytes);
}

TEST_P(StoreSuite, keeps_large_blobs_that_end_anywhere) {
  const auto bytes = noise((18 << 20) + 1);
  for (std::size_t size :
       {std::size_t{16} << 20, std::size_t{17} << 20, (std::size_t{17} << 20) + 4096, bytes.size()}) {
    const auto part = std::string_view(bytes).substr(0, size);
    auto writer = std::move(store_->create()).value();
    for (std::size_t at = 0; at < size; at += 65'536) writer->write(as_span(part.substr(at, 65'536))).value();
    auto file = std::move(writer->finish()).value();
    file->publish().value();
    EXPECT_EQ(file->stored().digest, sha256(part));
    EXPECT_TRUE(read(sha256(part)) == part) << size;
  }
}

TEST_P(StoreSuite, holds_an_empty_blob) {
  EXPECT_EQ(read(put("")), "");
  EXPECT_EQ(contents().begin()->second, 0u);
}

TEST_P(StoreSuite, shows_nothing_before_it_is_published) {
  auto file = staged("secret");
  EXPECT_FALSE(store_->exists(sha256("secret")));
  EXPECT_EQ(store_->open(sha256("secret")).error().reason(), Reason::not_found);
  EXPECT_TRUE(contents().empty());
}

TEST_P(StoreSuite, forgets_what_is_never_published) {
  {
    auto unfinished = std::move(store_->create()).value();
    unfinished->write(as_span("unfinished")).value();
    staged("finished");
    std::move(store_->scratch()).value();
  }
  EXPECT_TRUE(contents().empty());
  EXPECT_EQ(store_->remove_leftovers(), 0u);
}

TEST_P(StoreSuite, publishes_twice_without_harm) {
  auto file = staged("again");
  file->publish().value();
  file->publish().value();
  EXPECT_EQ(read(sha256("again")), "again");
}

TEST_P(StoreSuite, publishes_anew_what_is_new_there_or_lost) {
  auto file = staged("once more");
  file->publish_anew().value();
  EXPECT_EQ(read(sha256("once more")), "once more");
  file->publish_anew().value();
  EXPECT_EQ(read(sha256("once more")), "once more");
  file.reset();
  ASSERT_TRUE(store_->remove(sha256("once more")));
  file = staged("once more");
  file->publish_anew().value();
  file.reset();
  EXPECT_EQ(read(sha256("once more")), "once more");
  EXPECT_EQ(contents().size(), 1u);
  EXPECT_EQ(store_->remove_leftovers(), 0u);
}

TEST_P(StoreSuite, stores_identical_bytes_once) {
  auto first = staged("the same"), second = staged("the same");
  first->publish().value();
  second->publish().value();
  first.reset();
  second.reset();
  EXPECT_EQ(contents(), (std::map<std::string, std::uint64_t>{{hex(sha256("the same")), 8}}));
  EXPECT_EQ(read(sha256("the same")), "the same");
}

TEST_P(StoreSuite, lets_many_publish_the_same_bytes_at_once) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([this] {
      for (int round = 0; round < 5; ++round) put("shared " + std::to_string(round));
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(contents().size(), 5u);
}

TEST_P(StoreSuite, lists_each_blob_with_its_size) {
  put("a");
  put("four");
  EXPECT_EQ(contents(), (std::map<std::string, std::uint64_t>{{hex(sha256("a")), 1}, {hex(sha256("four")), 4}}));
}

TEST_P(StoreSuite, removes_and_says_whether_it_was_there) {
  const auto digest = put("short-lived");
  EXPECT_TRUE(store_->remove(digest));
  EXPECT_FALSE(store_->remove(digest));
  EXPECT_FALSE(store_->exists(digest));
  EXPECT_EQ(store_->open(digest).error().reason(), Reason::not_found);
  EXPECT_EQ(read(put("short-lived")), "short-lived") << "removed bytes can come again";
}

TEST_P(StoreSuite, lets_an_open_reader_read_on_after_removal) {
  if (!GetParam().keeps_open_blobs) GTEST_SKIP() << "a server takes the bytes from under its readers";
  const auto bytes = noise(100'000);
  const auto digest = put(bytes);
  auto reader = std::move(store_->open(digest)).value();
  ASSERT_TRUE(store_->remove(digest));
  EXPECT_EQ(read(*reader), bytes);
}

TEST_P(StoreSuite, reads_any_range_and_zero_bytes_only_at_the_end) {
  auto reader = std::move(store_->open(put("0123456789"))).value();
  std::string piece(4, '?');
  auto at = [&](std::uint64_t offset) {
    const auto got = reader->read_at(offset, std::as_writable_bytes(std::span(piece)));
    return piece.substr(0, got);
  };
  EXPECT_EQ(reader->size(), 10u);
  EXPECT_EQ(at(3), "3456");
  EXPECT_EQ(at(8), "89");
  EXPECT_EQ(at(10), "");
  EXPECT_EQ(at(1'000'000), "");
}

TEST_P(StoreSuite, seals_a_scratch_that_was_filled_through_its_descriptor) {
  const auto bytes = noise(700'001);
  auto scratch = std::move(store_->scratch()).value();
  // A worker may write in any order; the digest is that of the file.
  ASSERT_EQ(::pwrite(scratch->fd(), bytes.data() + 1000, bytes.size() - 1000, 1000),
            static_cast<ssize_t>(bytes.size() - 1000));
  ASSERT_EQ(::pwrite(scratch->fd(), bytes.data(), 1000, 0), 1000);
  auto file = std::move(scratch->seal()).value();
  file->publish().value();
  EXPECT_EQ(file->stored().digest, sha256(bytes));
  EXPECT_EQ(file->stored().size, bytes.size());
  EXPECT_EQ(file->stored().crc32, crc32(bytes));
  EXPECT_EQ(read(sha256(bytes)), bytes);
}

TEST_P(StoreSuite, offers_a_blob_as_a_local_file) {
  const auto bytes = noise(200'000);
  const auto reader = std::move(store_->open(put(bytes))).value();
  std::string out(bytes.size() + 1, '?');
  out.resize(static_cast<std::size_t>(::pread(reader->local_fd(), out.data(), out.size(), 0)));
  EXPECT_TRUE(out == bytes);
  EXPECT_EQ(reader->local_fd(), reader->local_fd());
}

TEST_P(StoreSuite, offers_the_staged_bytes_to_a_reader_of_descriptors) {
  auto file = staged("probe me");
  if (file->fd() < 0) GTEST_SKIP() << "this store has no descriptors";
  std::string out(8, '?');
  EXPECT_EQ(::pread(file->fd(), out.data(), out.size(), 0), 8);
  EXPECT_EQ(out, "probe me");
}

TEST_P(StoreSuite, lets_large_staged_bytes_be_read_in_any_pieces) {
  const auto bytes = noise((std::size_t{17} << 20) + 4096);
  auto file = staged(bytes);
  if (file->fd() < 0) GTEST_SKIP() << "this store has no descriptors";
  std::string out(1001, '?');
  ASSERT_EQ(::pread(file->fd(), out.data() + 1, 1000, 12'345'677), 1000);
  EXPECT_EQ(out.substr(1), bytes.substr(12'345'677, 1000));
}

}  // namespace toll::blob
