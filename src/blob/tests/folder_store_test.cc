#include "blob/folder_store.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "blob/folder/store.h"
#include "blob/tests/store_suite.h"

namespace toll::blob {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "blob-test-XXXXXX").string();
    if (!::mkdtemp(name.data())) std::abort();
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// A store that takes its folder with it.
class Housed : public Store {
 public:
  explicit Housed(folder::Naming naming) : store_(folder::open(folder_.path() / "store", naming)) {}
  Result<std::unique_ptr<Writer>> create() override { return store_->create(); }
  Result<std::unique_ptr<Scratch>> scratch() override { return store_->scratch(); }
  Result<std::shared_ptr<const Reader>> open(const Sha256& digest) const override { return store_->open(digest); }
  bool exists(const Sha256& digest) const override { return store_->exists(digest); }
  bool remove(const Sha256& digest) override { return store_->remove(digest); }
  void for_each(const std::function<void(const Sha256&, std::uint64_t)>& f) const override { store_->for_each(f); }
  std::size_t remove_leftovers() override { return store_->remove_leftovers(); }

 private:
  Folder folder_;
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(
    Folder, StoreSuite,
    ::testing::Values(StoreKind{"unnamed", [] { return std::make_unique<Housed>(folder::Naming::unnamed); }},
                      StoreKind{"named", [] { return std::make_unique<Housed>(folder::Naming::named); }}),
    [](const auto& info) { return info.param.name; });

std::size_t files_below(const fs::path& root) {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root)) count += entry.is_regular_file();
  return count;
}

class FolderStoreCrash : public ::testing::TestWithParam<folder::Naming> {
 protected:
  // Runs f on a store in a child that then dies without cleaning up, and waits for it.
  void crash_after(const std::function<void(Store&)>& f) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto store = folder::open(folder_.path(), GetParam());
      f(*store);
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }
  Folder folder_;
};

INSTANTIATE_TEST_SUITE_P(Folder, FolderStoreCrash, ::testing::Values(folder::Naming::unnamed, folder::Naming::named),
                         [](const auto& info) { return info.param == folder::Naming::named ? "named" : "unnamed"; });

TEST_P(FolderStoreCrash, leaves_nothing_of_what_was_not_published) {
  crash_after([](Store& store) {
    auto half = std::move(store.create()).value();
    half->write(as_span(noise(500'000))).value();
    auto whole = std::move(store.create()).value();
    whole->write(as_span("whole")).value();
    auto staged = std::move(whole->finish()).value();
    auto scratch = std::move(store.scratch()).value();
    // The destructors must not run: this is a crash.
    half.release(), staged.release(), scratch.release();
  });
  auto store = open_folder_store(folder_.path());
  EXPECT_EQ(store->remove_leftovers(), GetParam() == folder::Naming::named ? 3u : 0u);
  EXPECT_EQ(files_below(folder_.path()), 0u);
}

TEST_P(FolderStoreCrash, keeps_what_was_published) {
  crash_after([](Store& store) {
    auto writer = std::move(store.create()).value();
    writer->write(as_span("kept")).value();
    auto staged = std::move(writer->finish()).value();
    staged->publish().value();
    staged.release();
  });
  auto store = open_folder_store(folder_.path());
  store->remove_leftovers();
  EXPECT_EQ(files_below(folder_.path()), 1u);
  EXPECT_EQ(store->open(sha256("kept")).value()->size(), 4u);
}

TEST(FolderStore, leaves_the_temporaries_of_the_living_alone) {
  Folder folder;
  auto mine = folder::open(folder.path(), folder::Naming::named);
  auto writer = std::move(mine->create()).value();
  writer->write(as_span("still writing")).value();
  EXPECT_EQ(open_folder_store(folder.path())->remove_leftovers(), 0u);
  auto staged = std::move(writer->finish()).value();
  EXPECT_EQ(open_folder_store(folder.path())->remove_leftovers(), 0u);
  staged->publish().value();
  EXPECT_TRUE(mine->exists(sha256("still writing")));
}

TEST(FolderStore, is_readable_by_its_owner_only) {
  Folder folder;
  const auto root = folder.path() / "a" / "b" / "store";
  auto store = open_folder_store(root);
  auto writer = std::move(store->create()).value();
  writer->write(as_span("mine")).value();
  std::move(writer->finish()).value()->publish().value();
  const auto name = hex(sha256("mine"));
  auto mode = [](const fs::path& path) { return static_cast<unsigned>(fs::status(path).permissions()); };
  EXPECT_EQ(mode(root / "blobs" / name.substr(0, 2) / name.substr(2)), 0600u);
  for (const auto& path : {root, root / "blobs", root / "staging", root / "blobs" / name.substr(0, 2)})
    EXPECT_EQ(mode(path), 0700u) << path;
}

TEST(FolderStore, passes_over_files_that_are_not_its_own) {
  Folder folder;
  auto store = open_folder_store(folder.path());
  std::ofstream(folder.path() / "blobs" / "ab" / "README") << "hello";
  std::ofstream(folder.path() / "staging" / "notes.txt") << "hello";
  store->for_each([](const Sha256&, std::uint64_t) { ADD_FAILURE(); });
  EXPECT_EQ(store->remove_leftovers(), 0u);
}

TEST(FolderStore, says_why_it_cannot_be_opened) {
  Folder folder;
  std::ofstream(folder.path() / "file") << "not a folder";
  EXPECT_THROW(open_folder_store(folder.path() / "file"), std::system_error);
}

// A file system of 2 MiB.
class TinyDisk : public ::testing::Test {
 protected:
  void SetUp() override { mount("size=2m,mode=0700"); }
  void mount(const char* options) {
    if (::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, options) != 0)
      GTEST_SKIP() << "a disk can be filled by root only: mount needs privileges";
    mounted_ = true;
    store_ = open_folder_store(folder_.path() / "store");
  }
  void TearDown() override {
    store_.reset();
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  Folder folder_;
  bool mounted_ = false;
  std::unique_ptr<Store> store_;
};

TEST_F(TinyDisk, full_while_writing_is_a_fault_and_leaves_nothing) {
  auto writer = std::move(store_->create()).value();
  const auto piece = noise(300'000);
  Result<void> written;
  for (int i = 0; i < 10 && written; ++i) written = writer->write(as_span(piece));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().reason(), Reason::storage_full);
  EXPECT_FALSE(written.error().cause().empty());
  EXPECT_EQ(writer->write(as_span("x")).has_value() ? writer->finish().error().reason() : Reason::storage_full,
            Reason::storage_full)
      << "a file with a hole must never be finished";
  writer.reset();

  auto next = std::move(store_->create()).value();
  EXPECT_TRUE(next->write(as_span(piece))) << "the room is free again";
  EXPECT_TRUE(next->finish());
  EXPECT_EQ(files_below(folder_.path() / "store"), 0u);
}

TEST_F(TinyDisk, full_at_the_gathered_end_is_a_fault) {
  auto filler = std::move(store_->create()).value();
  const auto piece = noise(150'000);
  while (filler->write(as_span(piece))) {
  }
  auto small = std::move(store_->create()).value();
  small->write(as_span(noise(20'000))).value();
  auto finished = small->finish();
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().reason(), Reason::storage_full);
}

// Beyond its first 16 MiB a file is written behind its writer's back.
class SmallDisk : public TinyDisk {
 protected:
  void SetUp() override { mount("size=24m,mode=0700"); }
};

TEST_F(SmallDisk, full_behind_the_writers_back_is_a_fault_and_stays_one) {
  auto writer = std::move(store_->create()).value();
  const auto piece = noise(300'000);
  Result<void> written;
  for (int i = 0; i < 100 && written; ++i) written = writer->write(as_span(piece));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().reason(), Reason::storage_full);
  EXPECT_FALSE(writer->write(as_span(piece)));
  auto finished = writer->finish();
  ASSERT_FALSE(finished) << "a file with a hole must never be finished";
  EXPECT_EQ(finished.error().reason(), Reason::storage_full);
}

TEST_F(SmallDisk, full_at_the_last_piece_behind_the_writers_back_is_a_fault) {
  auto filler = std::move(store_->create()).value();
  filler->write(as_span(noise(7 << 20))).value();
  auto writer = std::move(store_->create()).value();
  writer->write(as_span(noise(18 << 20))).value();
  EXPECT_FALSE(writer->finish());
}

TEST_F(SmallDisk, an_abandoned_writer_gives_its_room_back) {
  for (int i = 0; i < 5; ++i) std::move(store_->create()).value()->write(as_span(noise(20 << 20))).value();
  EXPECT_EQ(files_below(folder_.path() / "store"), 0u);
}

}  // namespace
}  // namespace toll::blob
