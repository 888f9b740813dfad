#include <unistd.h>

#include <cerrno>

#include "engines/documents/reading.h"

namespace toll::engines::documents {

Result<std::string> read_file(int fd) {
  const auto size = ::lseek(fd, 0, SEEK_END);
  if (size < 0) return unreadable("it is no file");
  if (static_cast<std::size_t>(size) > most_file_bytes) return unreadable("it is larger than 128 MiB");
  std::string out(static_cast<std::size_t>(size), '\0');
  std::size_t at = 0;
  while (at < out.size()) {
    const auto got = ::pread(fd, out.data() + at, out.size() - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    at += static_cast<std::size_t>(got);
  }
  out.resize(at);
  return out;
}

void Pages::add(std::string_view text) {
  if (done()) return;
  if (bytes_ + text.size() > most_text_bytes) {
    too_much_ = true;
    return;
  }
  bytes_ += text.size();
  page_ += text;
}

void Pages::end_line() {
  while (!page_.empty() && (page_.back() == ' ' || page_.back() == '\t')) page_.pop_back();
  if (page_.ends_with("\n\n") || page_.empty()) return;
  add('\n');
}

void Pages::next_page() {
  if (done()) return;
  pages_.push_back(std::move(page_));
  page_.clear();
}

Result<Read> Pages::take() && {
  if (too_much_) return unreadable("it holds more than 6 MiB of text");
  if (pages_.size() < most_ && (!page_.empty() || pages_.empty())) pages_.push_back(std::move(page_));
  return Read{std::move(pages_), {}};
}

}  // namespace toll::engines::documents
