#include "blob/folder/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

#include "blob/folder/out_file.h"
#include "blob/folder/write_behind.h"
#include "blob/folder_store.h"

namespace toll::blob::folder {

namespace {

constexpr std::size_t read_piece = 256 << 10;

// Large files that are written to the disk at a time; each needs one for a millisecond a MiB.
constexpr std::size_t disk_threads = 4;

// All made at the start, so that publish() has one folder to sync and not two.
constexpr unsigned shards = 256;

std::string shard_of(unsigned index) {
  return hex(std::array{static_cast<std::byte>(index)});
}

// "ab/cdef...", below blobs/
std::string name_of(const Sha256& digest) {
  auto name = hex(digest);
  name.insert(2, "/");
  return name;
}

std::optional<Sha256> digest_of(std::string_view shard, std::string_view rest) {
  Sha256 digest;
  const std::string text = std::string(shard) + std::string(rest);
  if (text.size() != 2 * digest.size()) return std::nullopt;
  auto nibble = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest[i] = static_cast<std::byte>(high * 16 + low);
  }
  return digest;
}

class FileReader final : public Reader {
 public:
  FileReader(Descriptor fd, std::uint64_t size) : fd_(std::move(fd)), size_(size) {}
  std::uint64_t size() const override { return size_; }
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    return folder::read_at(fd_.get(), offset, out);
  }
  int fd() const override { return fd_.get(); }

 private:
  Descriptor fd_;
  std::uint64_t size_;
};

class FileStaged final : public Staged {
 public:
  FileStaged(Temporary file, int blobs, const Stored& stored) : file_(std::move(file)), blobs_(blobs) {
    stored_ = stored;
  }

  // The name must be durable before the row that refers to it. A name that was there already may be another
  // transaction's of a moment ago, so the folder is synced in either case.
  Result<void> publish() override {
    const auto name = name_of(stored_.digest);
    if (auto linked = file_.link(blobs_, name); !linked) return linked;
    return sync_shard(name);
  }
  Result<void> publish_anew() override {
    const auto name = name_of(stored_.digest);
    if (auto replaced = file_.replace(blobs_, name); !replaced) return replaced;
    return sync_shard(name);
  }
  int fd() const override { return file_.fd(); }

 private:
  Result<void> sync_shard(const std::string& name) const {
    const Descriptor shard(::openat(blobs_, name.substr(0, 2).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!shard) return full_or_throw(errno, "open the folder of a blob");
    return sync_file(shard.get());
  }

  Temporary file_;
  int blobs_;
};

class FileWriter final : public Writer {
 public:
  FileWriter(Temporary file, int blobs, WriteBehind& disk)
      : file_(std::move(file)), out_(file_.fd(), disk), blobs_(blobs) {}

  Result<void> write(std::span<const std::byte> bytes) override {
    hash_.update(bytes);
    stored_.crc32 = crc32(bytes, stored_.crc32);
    stored_.size += bytes.size();
    return out_.append(bytes);
  }

  Result<std::unique_ptr<Staged>> finish() override {
    if (auto written = out_.finish(); !written) return std::move(written).error();
    if (auto synced = sync_file(file_.fd()); !synced) return std::move(synced).error();
    stored_.digest = hash_.finish();
    return std::unique_ptr<Staged>(std::make_unique<FileStaged>(std::move(file_), blobs_, stored_));
  }

 private:
  Temporary file_;
  OutFile out_;
  int blobs_;
  Stored stored_;
  Sha256Stream hash_;
};

class FileScratch final : public Scratch {
 public:
  FileScratch(Temporary file, int blobs) : file_(std::move(file)), blobs_(blobs) {}
  int fd() const override { return file_.fd(); }

  Result<std::unique_ptr<Staged>> seal() override {
    Stored stored;
    Sha256Stream hash;
    std::vector<std::byte> piece(read_piece);
    while (const auto got = folder::read_at(file_.fd(), stored.size, piece)) {
      const std::span bytes(piece.data(), got);
      hash.update(bytes);
      stored.crc32 = crc32(bytes, stored.crc32);
      stored.size += got;
    }
    stored.digest = hash.finish();
    if (auto synced = sync_file(file_.fd()); !synced) return std::move(synced).error();
    return std::unique_ptr<Staged>(std::make_unique<FileStaged>(std::move(file_), blobs_, stored));
  }

 private:
  Temporary file_;
  int blobs_;
};

class FolderStore final : public Store {
 public:
  FolderStore(const std::filesystem::path& where, Naming naming) : naming_(naming) {
    auto root = std::filesystem::absolute(where).lexically_normal();
    if (!root.has_filename()) root = root.parent_path();
    std::filesystem::create_directories(root.parent_path());
    const auto root_folder = make_folder(root);
    staging_ = make_folder(root / "staging");
    blobs_ = make_folder(root / "blobs");
    for (unsigned index = 0; index < shards; ++index) make_folder(root / "blobs" / shard_of(index));
    // Every name is made before the first sync, so that the first sync writes them all.
    sync_or_throw(blobs_);
    sync_or_throw(root_folder);
    sync_or_throw(open_folder(root.parent_path()));
  }

  Result<std::unique_ptr<Writer>> create() override {
    auto file = Temporary::create(staging_, naming_);
    if (!file) return std::move(file).error();
    return std::unique_ptr<Writer>(std::make_unique<FileWriter>(std::move(*file), blobs_.get(), disk_));
  }

  Result<std::unique_ptr<Scratch>> scratch() override {
    auto file = Temporary::create(staging_, naming_);
    if (!file) return std::move(file).error();
    return std::unique_ptr<Scratch>(std::make_unique<FileScratch>(std::move(*file), blobs_.get()));
  }

  Result<std::shared_ptr<const Reader>> open(const Sha256& digest) const override {
    Descriptor fd(::openat(blobs_.get(), name_of(digest).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat found {};
    if (fd && ::fstat(fd.get(), &found) == 0)
      return std::shared_ptr<const Reader>(
          std::make_shared<FileReader>(std::move(fd), static_cast<std::uint64_t>(found.st_size)));
    if (errno != ENOENT) throw std::system_error(errno, std::generic_category(), "blob store: open");
    return Fault(Reason::not_found).because("blob " + hex(digest));
  }

  bool exists(const Sha256& digest) const override {
    if (::faccessat(blobs_.get(), name_of(digest).c_str(), F_OK, 0) == 0) return true;
    if (errno != ENOENT) throw std::system_error(errno, std::generic_category(), "blob store: look up");
    return false;
  }

  bool remove(const Sha256& digest) override {
    if (::unlinkat(blobs_.get(), name_of(digest).c_str(), 0) == 0) return true;
    if (errno != ENOENT) throw std::system_error(errno, std::generic_category(), "blob store: remove");
    return false;
  }

  void for_each(const std::function<void(const Sha256&, std::uint64_t size)>& f) const override {
    for (unsigned index = 0; index < shards; ++index) each_of_shard(shard_of(index), f);
  }

  std::size_t remove_leftovers() override { return folder::remove_leftovers(staging_); }

 private:
  static void sync_or_throw(const Descriptor& folder) {
    if (::fsync(folder.get()) != 0) throw std::system_error(errno, std::generic_category(), "blob store: sync");
  }

  void each_of_shard(const std::string& shard, const std::function<void(const Sha256&, std::uint64_t size)>& f) const {
    const int fd = ::openat(blobs_.get(), shard.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(fd < 0 ? nullptr : ::fdopendir(fd), ::closedir);
    if (!entries) throw std::system_error(errno, std::generic_category(), "blob store: list");
    while (const auto* entry = ::readdir(entries.get())) {
      const auto digest = digest_of(shard, entry->d_name);
      struct stat found {};
      if (digest && ::fstatat(fd, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0)
        f(*digest, static_cast<std::uint64_t>(found.st_size));
    }
  }

  Naming naming_;
  Descriptor staging_, blobs_;
  WriteBehind disk_{disk_threads};
};

}  // namespace

std::unique_ptr<Store> open(const std::filesystem::path& root, Naming naming) {
  return std::make_unique<FolderStore>(root, naming);
}

}  // namespace toll::blob::folder

namespace toll::blob {

std::unique_ptr<Store> open_folder_store(const std::filesystem::path& root) {
  return folder::open(root, folder::Naming::unnamed);
}

}  // namespace toll::blob
