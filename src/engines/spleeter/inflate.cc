#include "engines/spleeter/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "engines/onnx/refuse.h"

namespace toll::engines::spleeter {

struct Inflater::State {
  z_stream stream{};
  std::span<const std::byte> rest;
  bool ended = false;
};

namespace {

constexpr int window_bits = 15, raw = -window_bits, with_gzip_head = window_bits + 16;
constexpr std::size_t most_at_once = std::numeric_limits<int>::max();  // zlib counts in unsigned int

}  // namespace

Inflater::Inflater(std::span<const std::byte> packed, Format format) : state_(std::make_unique<State>()) {
  state_->rest = packed;
  if (inflateInit2(&state_->stream, format == Format::gzip ? with_gzip_head : raw) != Z_OK)
    throw std::runtime_error("zlib cannot be set up");
}

Inflater::~Inflater() {
  inflateEnd(&state_->stream);
}

Result<std::size_t> Inflater::read(std::span<std::byte> out) {
  auto& [stream, rest, ended] = *state_;
  std::size_t made = 0;
  while (made < out.size() && !ended) {
    const auto in = std::min(rest.size(), most_at_once), room = std::min(out.size() - made, most_at_once);
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(rest.data()));
    stream.avail_in = static_cast<uInt>(in);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + made);
    stream.avail_out = static_cast<uInt>(room);
    const int status = inflate(&stream, Z_NO_FLUSH);
    rest = rest.subspan(in - stream.avail_in);
    made += room - stream.avail_out;
    ended = status == Z_STREAM_END;
    if (status == Z_BUF_ERROR && rest.empty()) return onnx::refuse("the archive is cut short");
    if (status != Z_OK && status != Z_STREAM_END) return onnx::refuse("the archive is damaged");
  }
  return made;
}

}  // namespace toll::engines::spleeter
