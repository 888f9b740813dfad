#include "engines/htdemucs/separator.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engines/onnx/refuse.h"

namespace toll::engines::htdemucs {
namespace {

constexpr std::int64_t most_shift = 22050;  // half a second

// The stems of one stretch of one pass: planes of source and channel.
class Stretch {
 public:
  Stretch(std::size_t planes, std::size_t frames) : frames_(frames), values_(planes * frames) {}
  float* plane(std::size_t p) { return values_.data() + p * frames_; }
  std::size_t frames() const { return frames_; }
  std::span<float> all() { return values_; }

 private:
  std::size_t frames_;
  std::vector<float> values_;
};

// What is finished of all passes, from `begin` on; it grows as the passes go and is given away from the front.
class Mixer {
 public:
  Mixer(std::size_t planes, std::int64_t frames) : planes_(planes), frames_(frames) {}

  void add(std::size_t plane, std::int64_t first, std::span<const float> values, float weight) {
    const auto skip =
        static_cast<std::size_t>(std::clamp<std::int64_t>(begin_ - first, 0, static_cast<std::int64_t>(values.size())));
    values = values.subspan(skip);
    if (values.empty()) return;
    first += static_cast<std::int64_t>(skip);
    const auto at = static_cast<std::size_t>(first - begin_);
    if (planes_[plane].size() < at + values.size()) planes_[plane].resize(at + values.size());
    for (std::size_t i = 0; i < values.size(); ++i) planes_[plane][at + i] += values[i] * weight;
  }

  // Gives away what lies before `end`.
  Result<void> emit(std::int64_t end, float gain, float offset, const StemSink& sink) {
    end = std::min(end, frames_);
    if (end <= begin_) return {};
    const auto count = static_cast<std::size_t>(end - begin_);
    std::vector<std::vector<float>> stems(planes_.size() / 2, std::vector<float>(2 * count));
    for (std::size_t p = 0; p < planes_.size(); ++p) {
      auto& plane = planes_[p];
      for (std::size_t i = 0; i < count; ++i) stems[p / 2][2 * i + p % 2] = plane[i] * gain + offset;
      plane.erase(plane.begin(), plane.begin() + static_cast<std::ptrdiff_t>(count));
    }
    auto given = sink(begin_, stems);
    begin_ = end;
    return given;
  }

 private:
  std::vector<std::vector<float>> planes_;
  std::int64_t frames_;
  std::int64_t begin_ = 0;
};

std::vector<float> triangle(std::size_t length) {
  std::vector<float> weights(length);
  const std::size_t rise = length / 2;
  const float top = static_cast<float>(length - rise);
  for (std::size_t i = 0; i < length; ++i) weights[i] = static_cast<float>(i < rise ? i + 1 : length - i) / top;
  return weights;
}

// One member at one shift. Frame f of the pass is frame f - lead of the song.
struct Pass {
  const Member* member;
  std::int64_t lead, length;
  std::int64_t next = 0;  // the frame of the pass where the next segment begins
  Stretch sum;            // from `next` on, weighted
  std::vector<float> weight;

  bool done() const { return next >= length; }
  std::int64_t finished() const { return done() ? INT64_MAX : next - lead; }
};

class Song {
 public:
  Song(const std::vector<Member>& bag, const SeparatorOptions& options, std::int64_t frames, const Loudness& loudness)
      : bag_(bag),
        frames_(frames),
        mean_(static_cast<float>(loudness.mean())),
        deviation_(static_cast<float>(loudness.deviation()) + 1e-8f),
        segment_(static_cast<std::size_t>(bag.front().model->hyper().segment_frames)),
        planes_(2 * bag.front().model->hyper().sources.size()),
        stride_(static_cast<std::int64_t>((1 - options.overlap) * static_cast<double>(segment_))),
        triangle_(triangle(segment_)),
        totals_(planes_ / 2),
        mixer_(planes_, frames) {
    for (const auto& member : bag)
      for (std::size_t s = 0; s < totals_.size(); ++s) totals_[s] += member.weights[s];
    shifts_ = std::max<std::size_t>(options.shifts.size(), 1);
    for (const auto& member : bag) {
      if (options.shifts.empty()) add_pass(member, 0);
      for (int shift : options.shifts) add_pass(member, most_shift - shift);
    }
  }

  Result<void> run(const SongReader& read, const StemSink& sink, const SegmentCount& count,
                   const std::stop_token& stop) {
    std::int64_t all = 0, done = 0;
    for (const auto& pass : passes_) all += (pass.length + stride_ - 1) / stride_;
    while (done < all) {
      // The one that is furthest behind, so that all move together.
      auto pass = std::min_element(passes_.begin(), passes_.end(),
                                   [](const Pass& a, const Pass& b) { return a.finished() < b.finished(); });
      if (auto ran = step(*pass, read, stop); !ran) return ran;
      count(++done, all);
      std::int64_t finished = INT64_MAX;
      for (const auto& other : passes_) finished = std::min(finished, other.finished());
      if (auto emitted = mixer_.emit(finished, deviation_, mean_, sink); !emitted) return emitted;
    }
    return {};
  }

 private:
  void add_pass(const Member& member, std::int64_t lead) {
    passes_.push_back({&member, lead, frames_ + lead, 0, Stretch(planes_, segment_), std::vector<float>(segment_)});
  }

  // The segment's audio as planes: around the chunk as much of the song as fills it, silence beyond the song.
  Result<void> fill(std::int64_t first, const SongReader& read, Stretch& mix) {
    const auto length = static_cast<std::int64_t>(segment_);
    const std::int64_t from = std::clamp<std::int64_t>(first, 0, frames_),
                       to = std::clamp<std::int64_t>(first + length, 0, frames_);
    std::fill(mix.all().begin(), mix.all().end(), 0.0f);
    stereo_.resize(static_cast<std::size_t>(2 * (to - from)));
    if (auto got = read(from, stereo_); !got) return got;
    for (std::size_t c = 0; c < 2; ++c) {
      float* plane = mix.plane(c) + (from - first);
      for (std::size_t i = 0; i < stereo_.size() / 2; ++i) plane[i] = (stereo_[2 * i + c] - mean_) / deviation_;
    }
    return {};
  }

  Result<void> step(Pass& pass, const SongReader& read, const std::stop_token& stop) {
    const auto length = static_cast<std::int64_t>(segment_);
    const std::int64_t chunk = std::min(length, pass.length - pass.next), missing = length - chunk;
    if (auto filled = fill(pass.next - missing / 2 - pass.lead, read, mix_); !filled) return filled;
    if (auto separated = pass.member->model->separate(mix_.all(), stems_.all(), stop); !separated) return separated;
    const auto trim = static_cast<std::size_t>(missing / 2), count = static_cast<std::size_t>(chunk);
    for (std::size_t p = 0; p < planes_; ++p)
      for (std::size_t i = 0; i < count; ++i) pass.sum.plane(p)[i] += triangle_[i] * stems_.plane(p)[trim + i];
    for (std::size_t i = 0; i < count; ++i) pass.weight[i] += triangle_[i];
    finish(pass, std::min(stride_, pass.length - pass.next));
    return {};
  }

  // The first `count` frames of the pass's sum will not change any more.
  void finish(Pass& pass, std::int64_t count) {
    const auto n = static_cast<std::size_t>(count);
    std::vector<float> values(n);
    for (std::size_t p = 0; p < planes_; ++p) {
      float* sum = pass.sum.plane(p);
      for (std::size_t i = 0; i < n; ++i) values[i] = sum[i] / pass.weight[i];
      const double share = pass.member->weights[p / 2] / totals_[p / 2] / static_cast<double>(shifts_);
      // What lies before the song is the silence of the shift.
      mixer_.add(p, pass.next - pass.lead, values, static_cast<float>(share));
      std::copy(sum + n, sum + segment_, sum);
      std::fill(sum + (segment_ - n), sum + segment_, 0.0f);
    }
    std::copy(pass.weight.begin() + count, pass.weight.end(), pass.weight.begin());
    std::fill(pass.weight.end() - count, pass.weight.end(), 0.0f);
    pass.next += count;
  }

  const std::vector<Member>& bag_;
  std::int64_t frames_;
  float mean_, deviation_;
  std::size_t segment_, planes_;
  std::int64_t stride_;
  std::vector<float> triangle_;
  std::vector<double> totals_;
  std::size_t shifts_ = 1;
  Mixer mixer_;
  std::vector<Pass> passes_;
  std::vector<float> stereo_;
  Stretch mix_{2, segment_}, stems_{planes_, segment_};
};

Result<void> check(const std::vector<Member>& bag, const SeparatorOptions& options) {
  if (bag.empty()) return onnx::refuse("the bag is empty");
  const auto& first = bag.front().model->hyper();
  std::vector<double> totals(first.sources.size());
  for (const auto& member : bag) {
    const auto& hyper = member.model->hyper();
    if (hyper.sources != first.sources || hyper.segment_frames != first.segment_frames ||
        member.weights.size() != first.sources.size())
      return onnx::refuse("the models of the bag do not fit together");
    for (std::size_t s = 0; s < totals.size(); ++s) totals[s] += member.weights[s];
  }
  if (std::any_of(totals.begin(), totals.end(), [](double total) { return !(total > 0); }))
    return onnx::refuse("a source of the bag has no weight");
  const bool shifts_fit = std::all_of(options.shifts.begin(), options.shifts.end(),
                                      [](int shift) { return shift >= 0 && shift <= most_shift; });
  if (!(options.overlap >= 0 && options.overlap <= 0.9) || !shifts_fit || options.shifts.size() > 20)
    return Fault(Reason::invalid_request).because("htdemucs: overlap or shifts out of bounds");
  return {};
}

}  // namespace

void Loudness::add(std::span<const float> stereo) {
  const auto count = static_cast<std::int64_t>(stereo.size() / 2);
  if (count == 0) return;
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i + 1 < stereo.size(); i += 2) sum += 0.5 * (static_cast<double>(stereo[i]) + stereo[i + 1]);
  const double mean = sum / static_cast<double>(count);
  for (std::size_t i = 0; i + 1 < stereo.size(); i += 2) {
    const double x = 0.5 * (static_cast<double>(stereo[i]) + stereo[i + 1]) - mean;
    squares += x * x;
  }
  const double delta = mean - mean_, all = static_cast<double>(count_ + count);
  squares_ += squares + delta * delta * static_cast<double>(count_) * static_cast<double>(count) / all;
  mean_ += delta * static_cast<double>(count) / all;
  count_ += count;
}

double Loudness::mean() const {
  return mean_;
}
double Loudness::deviation() const {
  return count_ < 2 ? 0 : std::sqrt(squares_ / static_cast<double>(count_ - 1));
}

Result<void> separate_song(const std::vector<Member>& bag, const SeparatorOptions& options, std::int64_t frames,
                           const Loudness& loudness, const SongReader& read, const StemSink& sink,
                           const SegmentCount& count, const std::stop_token& stop) {
  if (auto fine = check(bag, options); !fine) return fine;
  return Song(bag, options, frames, loudness).run(read, sink, count, stop);
}

}  // namespace toll::engines::htdemucs
