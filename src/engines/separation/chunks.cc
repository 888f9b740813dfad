#include "engines/separation/chunks.h"

#include <algorithm>

namespace toll::engines::separation {
namespace {

constexpr std::size_t block = 1 << 14;  // frames read at once

using Stems = std::vector<std::vector<float>>;

// The part of the input that some chunk still needs.
struct Held {
  std::vector<float> stereo;
  std::int64_t start = 0;  // its first frame
  bool ended = false;

  std::int64_t end() const { return start + static_cast<std::int64_t>(stereo.size() / 2); }
  void drop_before(std::int64_t frame) {
    if (frame <= start) return;
    stereo.erase(stereo.begin(), stereo.begin() + 2 * (frame - start));
    start = frame;
  }
  Result<void> read_to(std::int64_t frame, const ChunkSource& source, const std::stop_token& stop) {
    while (!ended && end() < frame) {
      if (stop.stop_requested()) return Reason::cancelled;
      const auto before = stereo.size();
      stereo.resize(before + 2 * std::min<std::size_t>(block, static_cast<std::size_t>(frame - end())));
      const std::span<float> room(stereo.begin() + static_cast<std::ptrdiff_t>(before), stereo.end());
      const std::size_t got = TOLL_TRY(source(room));
      ended = 2 * got < room.size();
      stereo.resize(before + 2 * got);
    }
    return {};
  }
};

// `tail` holds the end of the previous chunk from the first frame of `next` on: fades from one into the other.
void fade_in(Stems& next, const Stems& tail) {
  for (std::size_t s = 0; s < tail.size(); ++s) {
    const std::size_t frames = tail[s].size() / 2;
    for (std::size_t i = 0; i < frames; ++i) {
      const float weight = (static_cast<float>(i) + 0.5f) / static_cast<float>(frames);
      for (std::size_t side = 0; side < 2; ++side) {
        const float old = tail[s][2 * i + side];
        float& now = next[s][2 * i + side];
        now = old + weight * (now - old);
      }
    }
  }
}

Stems part_of(const Stems& stems, std::int64_t from, std::int64_t to) {
  Stems part;
  for (const auto& stem : stems) part.emplace_back(stem.begin() + 2 * from, stem.begin() + 2 * to);
  return part;
}

}  // namespace

Result<std::int64_t> separate_in_chunks(const ChunkGrid& grid, const ChunkSource& source, const ChunkMethod& method,
                                        const ChunkSink& sink, const std::stop_token& stop) {
  const auto core = static_cast<std::int64_t>(grid.core), context = static_cast<std::int64_t>(grid.context);
  const auto half_fade = static_cast<std::int64_t>(grid.fade / 2);
  Held held;
  Stems tail;
  for (std::int64_t begin = 0;; begin += core) {
    const std::int64_t end = begin + core;
    if (auto read = held.read_to(end + context + 1, source, stop); !read) return std::move(read).error();
    const bool last = held.ended && held.end() <= end + context;
    const std::int64_t heard = last ? held.end() : end + context;
    const std::span<const float> region(held.stereo.data(), 2 * static_cast<std::size_t>(heard - held.start));
    const Stems stems = method(region);
    if (stop.stop_requested()) return Reason::cancelled;

    const std::int64_t first = begin == 0 ? 0 : begin - half_fade, stop_at = last ? heard : end - half_fade;
    Stems done = part_of(stems, first - held.start, stop_at - held.start);
    fade_in(done, tail);
    if (auto kept = sink(first, done); !kept) return std::move(kept).error();
    if (last) return heard;
    tail = part_of(stems, end - half_fade - held.start, end + half_fade - held.start);
    held.drop_before(end - context);
  }
}

}  // namespace toll::engines::separation
