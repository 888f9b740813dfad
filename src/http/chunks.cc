#include "http/chunks.h"

#include <algorithm>

namespace toll::http {

namespace {
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
bool is_text(char c) {
  return static_cast<unsigned char>(c) >= ' ' ? c != 0x7f : c == '\t';
}
}  // namespace

ChunkDecoder::Step ChunkDecoder::next(std::string_view bytes) {
  Step step;
  while (state_ != State::data && state_ != State::done && state_ != State::bad && step.framing < bytes.size())
    state_ = after(bytes[step.framing++]);
  if (state_ == State::data) {
    step.data = bytes.substr(step.framing,
                             static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - step.framing)));
    left_ -= step.data.size();
    if (left_ == 0) state_ = State::data_cr;
  }
  step.done = state_ == State::done;
  step.bad = state_ == State::bad;
  return step;
}

ChunkDecoder::State ChunkDecoder::after(char c) {
  switch (state_) {
    case State::size:
      return size_digit(c);
    case State::extension:
      if (c == '\r') return State::size_lf;
      return is_text(c) && ++line_ <= max_line ? State::extension : State::bad;
    case State::size_lf:
      digits_ = 0;
      line_ = 0;
      if (c != '\n') return State::bad;
      return left_ == 0 ? State::trailer_line : State::data;
    case State::data_cr:
      return c == '\r' ? State::data_lf : State::bad;
    case State::data_lf:
      return c == '\n' ? State::size : State::bad;
    case State::trailer_line:
      if (c == '\r') return State::last_lf;
      return is_text(c) && c != ' ' && c != '\t' && ++trailer_ <= max_trailer ? State::trailer : State::bad;
    case State::trailer:
      if (c == '\r') return State::trailer_lf;
      return is_text(c) && ++trailer_ <= max_trailer ? State::trailer : State::bad;
    case State::trailer_lf:
      return c == '\n' ? State::trailer_line : State::bad;
    case State::last_lf:
      return c == '\n' ? State::done : State::bad;
    default:
      return State::bad;
  }
}

ChunkDecoder::State ChunkDecoder::size_digit(char c) {
  if (const int value = hex_value(c); value >= 0) {
    left_ = left_ << 4 | static_cast<unsigned>(value);
    return ++digits_ <= 15 ? State::size : State::bad;  // 60 bits hold any body
  }
  if (digits_ == 0) return State::bad;
  if (c == '\r') return State::size_lf;
  return c == ';' || c == ' ' || c == '\t' ? State::extension : State::bad;
}

}  // namespace toll::http
