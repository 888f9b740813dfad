#include "engines/separation/trained.h"

#include <algorithm>
#include <stdexcept>

#include "engines/av/files.h"
#include "engines/htdemucs/separator.h"
#include "engines/htdemucs/turns.h"
#include "engines/onnx/refuse.h"
#include "engines/onnx/runtime.h"
#include "engines/separation/decode.h"

namespace toll::engines::separation {
namespace {

constexpr std::size_t block = 1 << 16;  // frames decoded at once
constexpr double decoding = 0.02;       // share of the work
constexpr std::int64_t float_frame = 2 * sizeof(float);

struct Decoded {
  std::int64_t frames = 0;
  htdemucs::Loudness loudness;
};

Result<Decoded> decode(const TrainedSeparation::Song& song, const std::function<void(double)>& done,
                       const std::stop_token& stop) {
  auto decoder = TOLL_TRY(Decoder::open(song.audio, song.max_seconds, stop));
  Decoded out;
  std::vector<float> stereo(2 * block);
  for (std::size_t count = block; count == block;) {
    count = TOLL_TRY(decoder.read(stereo));
    const std::span<const float> got(stereo.data(), 2 * count);
    out.loudness.add(got);
    if (auto written = av::write_at(song.scratch, out.frames * float_frame, std::as_bytes(got)); !written)
      return std::move(written).error();
    out.frames += static_cast<std::int64_t>(count);
    done(decoding * decoder.position());
  }
  return out;
}

}  // namespace

struct TrainedSeparation::State {
  htdemucs::Turns turns;
  htdemucs::SeparatorOptions options;
  std::vector<std::vector<double>> weights;
  std::vector<std::string> sources;
};

TrainedSeparation::TrainedSeparation(std::unique_ptr<State> state) : state_(std::move(state)) {}
TrainedSeparation::~TrainedSeparation() = default;
TrainedSeparation::TrainedSeparation(TrainedSeparation&&) noexcept = default;

void load_trained_runtime() {
  (void)onnx::load_runtime().has_value();
}

Result<TrainedSeparation> TrainedSeparation::open(const Plan& plan, const std::vector<int>& files) {
  const auto& wanted = *plan.models;
  std::vector<htdemucs::Turns::File> turns;
  for (std::size_t i = 0; i < files.size(); ++i) turns.push_back({files[i], wanted.sha256[i]});
  const onnx::SessionOptions session{.threads = wanted.threads,
                                     .memory_limit = static_cast<std::uint64_t>(wanted.memory_mib) << 20};
  const auto precision = wanted.float32 ? htdemucs::Precision::float32 : htdemucs::Precision::fixed16;
  auto state = std::make_unique<State>(
      State{{std::move(turns), session, precision}, {wanted.overlap, wanted.shifts}, wanted.weights, {}});
  const auto* first = TOLL_TRY(state->turns.take(0));
  state->sources = first->hyper().sources;
  if (state->weights.empty()) state->weights.assign(files.size(), std::vector<double>(state->sources.size(), 1.0));
  auto sources = state->sources, stems = plan.stems;
  std::sort(sources.begin(), sources.end());
  std::sort(stems.begin(), stems.end());
  if (sources != stems) return onnx::refuse("the model has other stems");
  return TrainedSeparation(std::move(state));
}

const std::vector<std::string>& TrainedSeparation::sources() const {
  return state_->sources;
}

Result<std::int64_t> TrainedSeparation::run(const Song& song, const ChunkSink& sink,
                                            const std::function<void(double)>& done, const std::stop_token& stop) {
  const auto decoded = TOLL_TRY(decode(song, done, stop));
  const auto read = [&](std::int64_t first, std::span<float> stereo) -> Result<void> {
    if (av::read_at(song.scratch, first * float_frame, std::as_writable_bytes(stereo)) != stereo.size_bytes())
      throw std::runtime_error("a scratch file became shorter");
    return {};
  };
  const auto count = [&](std::int64_t segments, std::int64_t all) {
    done(decoding + (1 - decoding) * static_cast<double>(segments) / static_cast<double>(all));
  };
  const htdemucs::Ensemble bag{[&](std::size_t number) { return state_->turns.take(number); }, state_->weights};
  auto separated = separate_song(bag, state_->options, decoded.frames, decoded.loudness, read, sink, count, stop);
  if (!separated) return std::move(separated).error();
  return decoded.frames;
}

}  // namespace toll::engines::separation
