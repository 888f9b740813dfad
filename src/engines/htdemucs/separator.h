// A whole song through one model or a bag of them, as the reference goes over it: segments that overlap, weighted by a
// triangle; the same again for each shift in time; the models' stems weighted. Memory does not depend on the length.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "engines/htdemucs/model.h"

namespace toll::engines::htdemucs {

// The loudness of a song, which the reference takes out before and puts back after: mean and deviation of the mono mix.
class Loudness {
 public:
  void add(std::span<const float> stereo);  // interleaved
  double mean() const;
  double deviation() const;  // of n - 1; 0 for fewer than two frames

 private:
  // Welford's method, block by block (Chan, Golub and LeVeque 1979).
  std::int64_t count_ = 0;
  double mean_ = 0, squares_ = 0;
};

struct SeparatorOptions {
  double overlap = 0.25;  // 0 to 0.9, share of a segment
  // The song is separated once for each of these, in frames 0..22050, moved later by half a second less so much, and
  // the results are averaged. Empty: once, unmoved.
  std::vector<int> shifts;
};

// The models of a bag, which take turns.
struct Ensemble {
  // The model of this number. What an earlier call gave for another number may be gone from then on, so that no more
  // than one model has to be in memory.
  std::function<Result<Model*>(std::size_t number)> take;
  std::vector<std::vector<double>> weights;  // one row a model, one column a source; a model of zeros is not taken
};

// Interleaved stereo from frame `first` on; the whole span, which lies within the song.
using SongReader = std::function<Result<void>(std::int64_t first, std::span<float> stereo)>;
// Stems in the order of the model's sources, each interleaved stereo and equally long, one call after the other from
// frame 0 on.
using StemSink = std::function<Result<void>(std::int64_t first, const std::vector<std::vector<float>>& stems)>;
using SegmentCount = std::function<void(std::int64_t done, std::int64_t all)>;

// The first stems come when every model has separated one segment for every shift: nothing is whole before that.
// `frames` > 0. All models must have the sources and the segment of the first (model_unusable otherwise). Faults:
// those of reader, sink and models; cancelled.
Result<void> separate_song(const Ensemble& bag, const SeparatorOptions& options, std::int64_t frames,
                           const Loudness& loudness, const SongReader& read, const StemSink& sink,
                           const SegmentCount& count, const std::stop_token& stop);

}  // namespace toll::engines::htdemucs
