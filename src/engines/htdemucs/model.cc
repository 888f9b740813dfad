#include "engines/htdemucs/model.h"

#include <cmath>
#include <vector>

#include "engines/htdemucs/network.h"
#include "engines/htdemucs/operators.h"
#include "engines/htdemucs/stft.h"
#include "engines/onnx/refuse.h"

namespace toll::engines::htdemucs {

struct Model::State {
  onnx::Session session;
  Hyperparameters hyper;
  std::string digest;
  SegmentStft stft;
  std::vector<float> spectrum, wave;
};

namespace {

struct Scale {
  float mean, deviation;
};

// To mean 0 and deviation 1, in place; what undoes it. Sums in double: the reference's own sums are pairwise.
Scale normalise(std::span<float> values) {
  double sum = 0, squares = 0;
  for (float x : values) sum += x;
  const double mean = sum / static_cast<double>(values.size());
  for (float x : values) squares += (x - mean) * (x - mean);
  const Scale scale{static_cast<float>(mean),
                    static_cast<float>(std::sqrt(squares / static_cast<double>(values.size() - 1)))};
  const float factor = 1 / (1e-5f + scale.deviation);
  for (float& x : values) x = (x - scale.mean) * factor;
  return scale;
}

bool has_shape(const onnx::TensorInfo& info, const char* name, const std::vector<std::int64_t>& shape) {
  return info.name == name && info.type == onnx::ElementType::float32 && info.shape == shape;
}

bool fits(const onnx::Schema& schema, const Hyperparameters& hyper) {
  const std::int64_t channels = hyper.audio_channels,
                     planes = channels * static_cast<std::int64_t>(hyper.sources.size());
  const std::int64_t bins = hyper.nfft / 2, frames = hyper.stft_frames(), samples = hyper.segment_frames;
  return schema.inputs.size() == 2 && schema.outputs.size() >= 2 &&
         has_shape(schema.inputs[0], "spectrum", {1, 2 * channels, bins, frames}) &&
         has_shape(schema.inputs[1], "wave", {1, channels, samples}) &&
         has_shape(*(schema.outputs.end() - 2), "spectra", {1, 2 * planes, bins, frames}) &&
         has_shape(*(schema.outputs.end() - 1), "waves", {1, planes, samples});
}

}  // namespace

Model::Model(std::unique_ptr<State> state) : state_(std::move(state)) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

const Hyperparameters& Model::hyper() const {
  return state_->hyper;
}
const std::string& Model::source_digest() const {
  return state_->digest;
}

Result<Model> Model::open(std::span<const std::byte> file, const onnx::SessionOptions& options, Precision precision) {
  auto with_operators = options;
  with_operators.operators = operators(precision);
  auto session = TOLL_TRY(onnx::Session::open(file, with_operators));
  const auto& metadata = session.schema().metadata;
  const auto written = metadata.find(std::string(hyperparameters_key));
  if (written == metadata.end()) return onnx::refuse("the file is no model of HTDemucs that was imported here");
  auto hyper = TOLL_TRY(read_hyperparameters(written->second));
  if (!fits(session.schema(), hyper)) return onnx::refuse("the model is not the one that its description tells");
  const auto digest = metadata.find(std::string(source_digest_key));
  std::string source = digest == metadata.end() ? std::string() : digest->second;
  SegmentStft stft(hyper.nfft, hyper.segment_frames);
  const auto channels = static_cast<std::size_t>(hyper.audio_channels);
  std::vector<float> spectrum(channels * 2 * stft.plane()), wave(channels * stft.samples());
  return Model(std::make_unique<State>(State{std::move(session), std::move(hyper), std::move(source), std::move(stft),
                                             std::move(spectrum), std::move(wave)}));
}

Result<void> Model::separate(std::span<const float> mix, const std::vector<bool>& wanted, std::span<float> stems,
                             const std::stop_token& stop) {
  auto& [session, hyper, digest, stft, spectrum, wave] = *state_;
  const auto channels = static_cast<std::size_t>(hyper.audio_channels), samples = stft.samples();
  for (std::size_t c = 0; c < channels; ++c)
    stft.forward(mix.subspan(c * samples, samples),
                 std::span(spectrum).subspan(c * 2 * stft.plane(), 2 * stft.plane()));
  std::copy(mix.begin(), mix.end(), wave.begin());
  const Scale of_spectrum = normalise(spectrum), of_wave = normalise(wave);

  const auto& inputs = session.schema().inputs;
  const auto made = TOLL_TRY(session.run({{"spectrum", inputs[0].shape, std::as_bytes(std::span(spectrum))},
                                          {"wave", inputs[1].shape, std::as_bytes(std::span(wave))}},
                                         {"spectra", "waves"}, stop));
  const auto spectra = made[0].floats(), waves = made[1].floats();
  for (std::size_t plane = 0; plane < stems.size() / samples; ++plane) {
    if (stop.stop_requested()) return Reason::cancelled;
    if (!wanted.empty() && !wanted[plane / channels]) continue;
    for (std::size_t i = plane * samples; i < (plane + 1) * samples; ++i)
      stems[i] = waves[i] * of_wave.deviation + of_wave.mean;
    stft.add_inverse(spectra.subspan(plane * 2 * stft.plane(), 2 * stft.plane()), of_spectrum.deviation,
                     of_spectrum.mean, stems.subspan(plane * samples, samples));
  }
  return {};
}

}  // namespace toll::engines::htdemucs
