#include "inference/model_files.h"

#include <algorithm>

namespace toll::inference {

namespace {
Fault later(std::string why) {
  return Fault(Reason::overloaded).because(std::move(why)).retry_after(std::chrono::seconds(1));
}

template <class T>
bool is_ready(const std::shared_future<T>& future) {
  return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}
}  // namespace

Result<ModelFiles::File> ModelFiles::open(const Sha256& digest) {
  std::shared_future<Result<File>> coming;
  {
    std::lock_guard lock(mutex_);
    if (auto file = find(digest)) return file;
    // Fetched after nobody waited any more.
    std::erase_if(coming_, [&](const auto& entry) { return entry.first != digest && is_ready(entry.second); });
    auto fetch_of = coming_.find(digest);
    if (fetch_of == coming_.end()) {
      if (coming_.size() >= limits_.fetches) return later("too many files of models are being fetched");
      fetch_of =
          coming_.emplace(digest, std::async(std::launch::async, [this, digest] { return fetch(digest); })).first;
    }
    coming = fetch_of->second;
  }
  if (coming.wait_for(limits_.patience) != std::future_status::ready)
    return later("a model's file is still being fetched");
  std::lock_guard lock(mutex_);
  coming_.erase(digest);
  return coming.get();
}

ModelFiles::File ModelFiles::find(const Sha256& digest) {
  const auto found = std::ranges::find(kept_, digest, &Kept::digest);
  if (found == kept_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, found);
  return found->file;
}

// Files of this machine are opened anew each time: it costs nothing, and one that has gone is noticed.
Result<ModelFiles::File> ModelFiles::fetch(const Sha256& digest) {
  auto file = TOLL_TRY(store_.open(digest));
  if (file->fd() >= 0) return file;
  file->local_fd();
  keep(digest, file);
  return file;
}

void ModelFiles::keep(const Sha256& digest, const File& file) {
  std::lock_guard lock(mutex_);
  kept_.push_front({digest, file});
  kept_bytes_ += file->size();
  while (kept_bytes_ > limits_.kept_bytes && !kept_.empty()) {
    kept_bytes_ -= kept_.back().file->size();
    kept_.pop_back();
  }
}

}  // namespace toll::inference
