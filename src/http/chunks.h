// The chunked transfer coding (RFC 9112, 7.1), decoded in place: chunk data comes out as views of what went in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace toll::http {

class ChunkDecoder {
 public:
  // `framing` bytes of syntax, then `data`; both are used up by the caller before the next call. done: the last chunk
  // and the trailer section (checked, not kept) are over. bad: no chunked coding, or its lines are too long.
  struct Step {
    std::size_t framing = 0;
    std::string_view data;
    bool done = false;
    bool bad = false;
  };
  Step next(std::string_view bytes);

  static constexpr std::size_t max_line = 1024;  // one chunk-size line with its extensions
  static constexpr std::size_t max_trailer = 8 << 10;

 private:
  enum class State {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_line,
    trailer,
    trailer_lf,
    last_lf,
    done,
    bad
  };
  State after(char c);
  State size_digit(char c);

  State state_ = State::size;
  std::uint64_t left_ = 0;  // of the chunk
  unsigned digits_ = 0;
  std::size_t line_ = 0;
  std::size_t trailer_ = 0;
};

}  // namespace toll::http
