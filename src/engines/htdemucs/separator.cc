#include "engines/htdemucs/separator.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "engines/htdemucs/overlap.h"
#include "engines/onnx/refuse.h"

namespace toll::engines::htdemucs {
namespace {

constexpr std::int64_t most_shift = 22050;  // half a second

// Of the finished stems of a bag: so long is the stretch that its models separate in turns.
constexpr std::size_t turn_memory = 64 << 20;
constexpr std::int64_t longest_turn = 16;  // segments

// Audio as planes of source and channel.
class Stretch {
 public:
  Stretch(std::size_t planes, std::size_t frames) : frames_(frames), values_(planes * frames) {}
  float* plane(std::size_t p) { return values_.data() + p * frames_; }
  std::span<float> all() { return values_; }

 private:
  std::size_t frames_;
  std::vector<float> values_;
};

// The sum of what was separated so far, from `begin_` on; it is given away from the front.
class Mixer {
 public:
  // `longest`: frames that it will hold at most.
  Mixer(std::size_t planes, std::int64_t frames, std::int64_t longest) : planes_(planes), frames_(frames) {
    for (auto& plane : planes_) plane.reserve(static_cast<std::size_t>(std::min(longest, frames)));
  }

  // Frames before the song are the silence of a shift.
  void add(std::size_t plane, std::int64_t first, std::span<const float> values, std::span<const float> shares,
           float weight) {
    const auto skip =
        static_cast<std::size_t>(std::clamp<std::int64_t>(begin_ - first, 0, static_cast<std::int64_t>(values.size())));
    if (skip == values.size()) return;
    auto& sum = planes_[plane];
    const auto at = static_cast<std::size_t>(first + static_cast<std::int64_t>(skip) - begin_);
    if (sum.size() < at + values.size() - skip) sum.resize(at + values.size() - skip);
    float* out = sum.data() + at - skip;
    for (std::size_t i = skip; i < values.size(); ++i) out[i] += values[i] * (shares[i] * weight);
  }

  // Gives away what lies before `end`, in parts of at most `most` frames.
  Result<void> emit(std::int64_t end, std::int64_t most, float gain, float offset, const StemSink& sink) {
    std::vector<std::vector<float>> stems(planes_.size() / 2);
    std::size_t given = 0;
    while (begin_ < end) {
      const auto count = static_cast<std::size_t>(std::min(most, end - begin_));
      for (auto& stem : stems) stem.resize(2 * count);
      for (std::size_t p = 0; p < planes_.size(); ++p)
        for (std::size_t i = 0; i < count; ++i) stems[p / 2][2 * i + p % 2] = planes_[p][given + i] * gain + offset;
      if (auto taken = sink(begin_, stems); !taken) return taken;
      begin_ += static_cast<std::int64_t>(count);
      given += count;
    }
    for (auto& plane : planes_) plane.erase(plane.begin(), plane.begin() + static_cast<std::ptrdiff_t>(given));
    return {};
  }

 private:
  std::vector<std::vector<float>> planes_;
  std::int64_t frames_;
  std::int64_t begin_ = 0;
};

// A song at one shift: frame f of the pass is frame f - lead of the song.
struct Pass {
  std::int64_t lead, length;
  std::int64_t next = 0;  // the frame of the pass where the next segment begins

  bool done() const { return next >= length; }
  std::int64_t finished() const { return done() ? INT64_MAX : next - lead; }
};

// What one model of the bag has to do.
struct Part {
  std::size_t number;
  std::vector<float> weights;  // of each source; over all parts and passes they sum to 1
  std::vector<bool> wanted;
  std::vector<Pass> passes;
};

class Song {
 public:
  Song(const Hyperparameters& hyper, const SeparatorOptions& options, std::int64_t frames, const Loudness& loudness,
       std::vector<Part> parts)
      : hyper_(hyper),
        frames_(frames),
        mean_(static_cast<float>(loudness.mean())),
        deviation_(static_cast<float>(loudness.deviation()) + 1e-8f),
        segment_(static_cast<std::size_t>(hyper.segment_frames)),
        planes_(2 * hyper.sources.size()),
        overlap_(segment_, options.overlap),
        parts_(std::move(parts)),
        longest_turn_(parts_.size() == 1 ? 1
                                         : std::clamp<std::int64_t>(
                                               static_cast<std::int64_t>(turn_memory) / turn_bytes(), 1, longest_turn)),
        mixer_(planes_, frames, (longest_turn_ + 1) * overlap_.stride() + hyper.segment_frames) {}

  Result<void> run(const Ensemble& bag, const SongReader& read, const StemSink& sink, const SegmentCount& count,
                   const std::stop_token& stop) {
    std::int64_t all = 0, done = 0, turn = 1, latest = 0;
    for (const auto& part : parts_)
      for (const auto& pass : part.passes) {
        all += (pass.length + overlap_.stride() - 1) / overlap_.stride();
        latest = std::max(latest, pass.lead);
      }
    // The first turns are short, so that stems come early; later ones long, since a model's turn begins with its
    // loading. A turn ends where the pass that is moved most ends a segment: the others end theirs behind it, so that
    // no pass has to begin one for a few frames.
    for (std::int64_t end = -latest; end < frames_; turn = std::min(2 * turn, longest_turn_)) {
      end = std::min(end + turn * overlap_.stride(), frames_);
      for (auto& part : parts_) {
        auto* model = TOLL_TRY(take(bag, part.number));
        for (auto& pass : part.passes)
          while (pass.finished() < end) {
            if (auto ran = step(*model, part, pass, read, stop); !ran) return ran;
            count(++done, all);
          }
      }
      // Whose turn was last is first in the next.
      std::reverse(parts_.begin(), parts_.end());
      if (auto emitted = mixer_.emit(end, overlap_.stride(), deviation_, mean_, sink); !emitted) return emitted;
    }
    return {};
  }

 private:
  std::int64_t turn_bytes() const {
    return static_cast<std::int64_t>(planes_ * sizeof(float)) * std::max<std::int64_t>(overlap_.stride(), 1);
  }

  Result<Model*> take(const Ensemble& bag, std::size_t number) {
    auto* model = TOLL_TRY(bag.take(number));
    if (model->hyper().sources != hyper_.sources || model->hyper().segment_frames != hyper_.segment_frames)
      return onnx::refuse("the models of the bag do not fit together");
    return model;
  }

  // The segment's audio as planes: around the chunk as much of the song as fills it, silence beyond the song.
  Result<void> fill(std::int64_t first, const SongReader& read) {
    const auto length = static_cast<std::int64_t>(segment_);
    const std::int64_t from = std::clamp<std::int64_t>(first, 0, frames_),
                       to = std::clamp<std::int64_t>(first + length, 0, frames_);
    std::fill(mix_.all().begin(), mix_.all().end(), 0.0f);
    if (from == to) return {};
    stereo_.resize(static_cast<std::size_t>(2 * (to - from)));
    if (auto got = read(from, stereo_); !got) return got;
    for (std::size_t c = 0; c < 2; ++c) {
      float* plane = mix_.plane(c) + (from - first);
      for (std::size_t i = 0; i < stereo_.size() / 2; ++i) plane[i] = (stereo_[2 * i + c] - mean_) / deviation_;
    }
    return {};
  }

  Result<void> step(Model& model, const Part& part, Pass& pass, const SongReader& read, const std::stop_token& stop) {
    const auto length = static_cast<std::int64_t>(segment_);
    const std::int64_t chunk = std::min(length, pass.length - pass.next), missing = length - chunk;
    if (auto filled = fill(pass.next - missing / 2 - pass.lead, read); !filled) return filled;
    if (auto separated = model.separate(mix_.all(), part.wanted, stems_.all(), stop); !separated) return separated;
    const auto trim = static_cast<std::size_t>(missing / 2), count = static_cast<std::size_t>(chunk);
    const auto shares = overlap_.shares(pass.next);
    for (std::size_t p = 0; p < planes_; ++p)
      if (part.wanted[p / 2])
        mixer_.add(p, pass.next - pass.lead, {stems_.plane(p) + trim, count}, shares, part.weights[p / 2]);
    pass.next += overlap_.stride();
    return {};
  }

  const Hyperparameters hyper_;
  std::int64_t frames_;
  float mean_, deviation_;
  std::size_t segment_, planes_;
  Overlap overlap_;
  std::vector<Part> parts_;
  std::int64_t longest_turn_;
  Mixer mixer_;
  std::vector<float> stereo_;
  Stretch mix_{2, segment_}, stems_{planes_, segment_};
};

Result<void> check(const Ensemble& bag, const SeparatorOptions& options) {
  if (bag.weights.empty()) return onnx::refuse("the bag is empty");
  const bool shifts_fit = std::all_of(options.shifts.begin(), options.shifts.end(),
                                      [](int shift) { return shift >= 0 && shift <= most_shift; });
  if (!(options.overlap >= 0 && options.overlap <= 0.9) || !shifts_fit || options.shifts.size() > 20)
    return Fault(Reason::invalid_request).because("htdemucs: overlap or shifts out of bounds");
  return {};
}

// The models that have a say in anything.
Result<std::vector<Part>> parts_of(const Ensemble& bag, std::size_t sources, const SeparatorOptions& options,
                                   std::int64_t frames) {
  std::vector<double> totals(sources);
  for (const auto& row : bag.weights) {
    if (row.size() != sources) return onnx::refuse("the models of the bag do not fit together");
    std::transform(row.begin(), row.end(), totals.begin(), totals.begin(), std::plus<>());
  }
  if (std::any_of(totals.begin(), totals.end(), [](double total) { return !(total > 0); }))
    return onnx::refuse("a source of the bag has no weight");
  std::vector<Pass> passes;
  for (const int shift : options.shifts) passes.push_back({most_shift - shift, frames + most_shift - shift});
  if (passes.empty()) passes.push_back({0, frames});
  std::vector<Part> parts;
  for (std::size_t m = 0; m < bag.weights.size(); ++m) {
    Part part{m, {}, {}, passes};
    for (std::size_t s = 0; s < sources; ++s) {
      part.weights.push_back(static_cast<float>(bag.weights[m][s] / totals[s] / static_cast<double>(passes.size())));
      part.wanted.push_back(part.weights.back() > 0);
    }
    if (std::find(part.wanted.begin(), part.wanted.end(), true) != part.wanted.end()) parts.push_back(std::move(part));
  }
  return parts;
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

Result<void> separate_song(const Ensemble& bag, const SeparatorOptions& options, std::int64_t frames,
                           const Loudness& loudness, const SongReader& read, const StemSink& sink,
                           const SegmentCount& count, const std::stop_token& stop) {
  if (auto fine = check(bag, options); !fine) return fine;
  auto parts = TOLL_TRY(parts_of(bag, bag.weights.front().size(), options, frames));
  const auto* first = TOLL_TRY(bag.take(parts.front().number));
  if (first->hyper().sources.size() != bag.weights.front().size())
    return onnx::refuse("the models of the bag do not fit together");
  return Song(first->hyper(), options, frames, loudness, std::move(parts)).run(bag, read, sink, count, stop);
}

}  // namespace toll::engines::htdemucs
