#include "engines/spleeter/separator.h"

#include <algorithm>
#include <cmath>

#include "engines/spleeter/stft.h"

namespace toll::engines::spleeter {
namespace {

constexpr std::size_t size = Stft::size, hop = Stft::hop, all_bins = Stft::bins, channels = 2;
// The song begins after a frame of silence.
constexpr auto silence = static_cast<std::int64_t>(size);
constexpr float epsilon = 1e-10f;

class Song {
 public:
  Song(Model& model, const SeparatorOptions& options)
      : model_(model),
        options_(options),
        frames_(static_cast<std::size_t>(model.shape().frames)),
        bins_(static_cast<std::size_t>(model.shape().bins)),
        sources_(model.shape().sources.size()),
        span_((frames_ - 1) * hop + size),
        signal_(channels, std::vector<float>(span_)),
        spectra_(channels, std::vector<Stft::Value>(frames_ * all_bins)),
        magnitude_(channels * frames_ * bins_),
        sums_(sources_ * channels, std::vector<float>(span_)) {}

  Result<std::int64_t> run(const SongReader& read, const StemSink& sink, const std::stop_token& stop) {
    const auto stretch = static_cast<std::int64_t>(frames_ * hop);
    bool last = false;
    for (std::int64_t first = -silence; !last; first += stretch) {
      if (auto filled = fill(read, first == -silence); !filled) return std::move(filled).error();
      // A frame begins every hop as long as there is song (and the silence before it) to begin in.
      const auto left = std::min<std::int64_t>(length_ - first, stretch);
      last = ended_ && length_ - first <= stretch;
      const auto used = (static_cast<std::size_t>(left) + hop - 1) / hop;
      analyse(used);
      if (auto made = synthesise(used, stop); !made) return std::move(made).error();
      if (auto emitted = emit(first, last, sink); !emitted) return std::move(emitted).error();
    }
    return length_;
  }

 private:
  // Moves the stretch on, and reads what is new of it; silence after the song.
  Result<void> fill(const SongReader& read, bool first) {
    const std::size_t kept = first ? size : span_ - frames_ * hop, room = span_ - kept;
    stereo_.resize(channels * room);
    const std::size_t got = ended_ ? 0 : TOLL_TRY(read(stereo_));
    ended_ = got < room;
    length_ += static_cast<std::int64_t>(got);
    for (std::size_t c = 0; c < channels; ++c) {
      auto& signal = signal_[c];
      if (!first) std::copy(signal.end() - static_cast<std::ptrdiff_t>(kept), signal.end(), signal.begin());
      for (std::size_t i = 0; i < got; ++i) signal[kept + i] = stereo_[channels * i + c];
      std::fill(signal.begin() + static_cast<std::ptrdiff_t>(kept + got), signal.end(), 0.0f);
    }
    return {};
  }

  // The spectra of the first `used` frames; the network sees silence after them.
  void analyse(std::size_t used) {
    std::fill(magnitude_.begin(), magnitude_.end(), 0.0f);
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t t = 0; t < used; ++t) {
        const auto spectrum = std::span(spectra_[c]).subspan(t * all_bins, all_bins);
        stft_.forward(std::span(signal_[c]).subspan(t * hop, size), spectrum);
        float* row = magnitude_.data() + (c * frames_ + t) * bins_;
        for (std::size_t f = 0; f < bins_; ++f) row[f] = std::sqrt(std::norm(spectrum[f]));
      }
  }

  Result<void> synthesise(std::size_t used, const std::stop_token& stop) {
    const auto parts = TOLL_TRY(model_.parts(magnitude_, stop));
    std::vector<std::vector<float>> masks(sources_, std::vector<float>(bins_));
    std::vector<Stft::Value> masked(all_bins);
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t t = 0; t < used; ++t) {
        if (stop.stop_requested()) return Reason::cancelled;
        divide(parts, (c * frames_ + t) * bins_, masks);
        for (std::size_t s = 0; s < sources_; ++s) {
          const auto* spectrum = spectra_[c].data() + t * all_bins;
          for (std::size_t f = 0; f < bins_; ++f) masked[f] = spectrum[f] * masks[s][f];
          const float above = beyond(masks[s]);
          for (std::size_t f = bins_; f < all_bins; ++f) masked[f] = spectrum[f] * above;
          stft_.add_inverse(masked, std::span(sums_[s * channels + c]).subspan(t * hop, size));
        }
      }
    return {};
  }

  // The sources' shares of one frame, of which the values begin at `offset`: together 1.
  void divide(const std::vector<onnx::Tensor>& parts, std::size_t offset, std::vector<std::vector<float>>& masks) {
    const float* magnitude = magnitude_.data() + offset;
    std::vector<float>& total = total_;
    total.assign(bins_, epsilon);
    for (std::size_t s = 0; s < sources_; ++s) {
      const float* part = parts[s].floats().data() + offset;
      for (std::size_t f = 0; f < bins_; ++f) {
        const float estimate = part[f] * magnitude[f], power = estimate * estimate;
        masks[s][f] = power + epsilon / static_cast<float>(sources_);
        total[f] += power;
      }
    }
    for (auto& mask : masks)
      for (std::size_t f = 0; f < bins_; ++f) mask[f] /= total[f];
  }

  float beyond(const std::vector<float>& mask) const {
    if (options_.extension == SeparatorOptions::Extension::zeros) return 0;
    double sum = 0;
    for (float share : mask) sum += share;
    return static_cast<float>(sum / static_cast<double>(bins_));
  }

  // What no later stretch adds to: all but the last three quarters of a frame, and those too at the end.
  Result<void> emit(std::int64_t first, bool last, const StemSink& sink) {
    const std::size_t finished = last ? span_ : frames_ * hop;
    const auto from = std::clamp<std::int64_t>(first, 0, length_),
               to = std::clamp<std::int64_t>(first + static_cast<std::int64_t>(finished), 0, length_);
    const auto skipped = static_cast<std::size_t>(from - first), frames = static_cast<std::size_t>(to - from);
    if (frames > 0) {
      std::vector<std::vector<float>> stems(sources_, std::vector<float>(channels * frames));
      for (std::size_t s = 0; s < sources_; ++s)
        for (std::size_t c = 0; c < channels; ++c)
          for (std::size_t i = 0; i < frames; ++i) stems[s][channels * i + c] = sums_[s * channels + c][skipped + i];
      if (auto stored = sink(from, stems); !stored) return stored;
    }
    for (auto& sum : sums_) {
      std::copy(sum.begin() + static_cast<std::ptrdiff_t>(finished), sum.end(), sum.begin());
      std::fill(sum.end() - static_cast<std::ptrdiff_t>(finished), sum.end(), 0.0f);
    }
    return {};
  }

  Model& model_;
  const SeparatorOptions& options_;
  std::int64_t length_ = 0;  // of the song, as far as it was read
  bool ended_ = false;
  std::size_t frames_, bins_, sources_, span_;  // span: samples that a stretch's frames cover
  Stft stft_;
  std::vector<float> stereo_, total_;
  std::vector<std::vector<float>> signal_;         // a channel
  std::vector<std::vector<Stft::Value>> spectra_;  // a channel; frames x bins
  std::vector<float> magnitude_;                   // channels x frames x bins that the network sees
  std::vector<std::vector<float>> sums_;           // a source and channel, overlapped and added
};

}  // namespace

Result<std::int64_t> separate_song(Model& model, const SeparatorOptions& options, const SongReader& read,
                                   const StemSink& sink, const std::stop_token& stop) {
  return Song(model, options).run(read, sink, stop);
}

}  // namespace toll::engines::spleeter
