// What came from the client and was not used yet. It grows for uploads and shrinks again between requests.
#pragma once

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

namespace toll::http {

class InputBuffer {
 public:
  static constexpr std::size_t usual = 4 << 10;
  static constexpr std::size_t largest_piece = 256 << 10;

  std::string_view view() const { return {bytes_.get() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  std::size_t size() const { return end_ - begin_; }
  void consume(std::size_t count) {
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  void commit(std::size_t count) { end_ += count; }

  // Room for at least `least` and at most `most` bytes. Views become invalid.
  boost::asio::mutable_buffer prepare(std::size_t least, std::size_t most) {
    if (capacity_ - end_ < least) make_room(least);
    return {bytes_.get() + end_, std::min(capacity_ - end_, most)};
  }

  // Between requests: gives the memory of an upload back.
  void relax() {
    if (capacity_ > 4 * usual && size() <= usual) reallocate(usual);
  }

 private:
  void make_room(std::size_t least) {
    if (capacity_ - size() < least) return reallocate(std::max({usual, 2 * size(), size() + least}));
    std::memmove(bytes_.get(), bytes_.get() + begin_, size());
    end_ -= begin_;
    begin_ = 0;
  }
  void reallocate(std::size_t capacity) {
    auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
    if (!empty()) std::memcpy(bytes.get(), bytes_.get() + begin_, size());
    bytes_ = std::move(bytes);
    capacity_ = capacity;
    end_ -= begin_;
    begin_ = 0;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace toll::http
