#include "sql/sqlite/wal_index.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <utility>

namespace toll::sql::sqlite {

namespace {
constexpr std::size_t index_bytes = 32 << 10;  // one region of the index, the least there is
}

const WalIndex* WalIndex::of(const std::string& path) {
  static std::mutex mutex;
  static std::map<std::pair<dev_t, ino_t>, std::unique_ptr<const WalIndex>> known;
  const auto file = path + "-shm";
  struct stat state {};
  // Looked at before it is opened: a second descriptor could not be closed again.
  std::lock_guard lock(mutex);
  if (::stat(file.c_str(), &state) != 0 || state.st_size < static_cast<off_t>(index_bytes)) return nullptr;
  auto& index = known[{state.st_dev, state.st_ino}];
  if (index) return index.get();
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  void* mapped = ::mmap(nullptr, index_bytes, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return nullptr;
  index.reset(new WalIndex(static_cast<const std::uint64_t*>(mapped)));
  return index.get();
}

// Bytes 8 to 47: the count of changes, the length of the log and of the database, salts and checksums. A header that is
// being written is like neither its old nor its new self.
Version WalIndex::version() const {
  Version version;
  for (std::size_t i = 0; i < version.words.size(); ++i)
    version.words[i] = __atomic_load_n(header_ + 1 + i, __ATOMIC_ACQUIRE);
  return version;
}

}  // namespace toll::sql::sqlite
