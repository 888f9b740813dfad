#include "engines/forensics/onnx_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engines/onnx/mapped_file.h"
#include "engines/onnx/onnx_engine.h"
#include "engines/onnx/session.h"

namespace toll::engines::forensics {
namespace {

Fault unusable(const Model& model, const std::string& why) {
  return Fault(Reason::model_unusable).with("why", why).because(model.name + ": " + why);
}

// The pixels as the model wants them.
std::vector<float> tensor_of(const Picture& picture, const Manifest& manifest) {
  const auto pixels = static_cast<std::size_t>(manifest.width) * manifest.height;
  std::vector<float> out(pixels * 3);
  for (std::size_t i = 0; i < pixels; ++i)
    for (std::size_t c = 0; c < 3; ++c) {
      const auto source = manifest.color == Manifest::Color::rgb ? c : 2 - c;
      const double value = (picture.rgb[i * 3 + source] / 255.0 - manifest.mean[c]) / manifest.std[c];
      out[manifest.layout == Manifest::Layout::nchw ? c * pixels + i : i * 3 + c] = static_cast<float>(value);
    }
  return out;
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

// exp(x_i) / sum of exp, without overflow.
double softmax(std::span<const float> values, std::size_t index) {
  const double top = *std::ranges::max_element(values);
  double sum = 0;
  for (float value : values) sum += std::exp(value - top);
  return std::exp(values[index] - top) / sum;
}

}  // namespace

struct OnnxModel::State {
  Model model;
  onnx::MappedFile file;
  onnx::Session session;

  // The last axis of the output, of the one picture.
  Result<std::vector<float>> run(const Picture& picture, const Box& box, const std::stop_token& stop) {
    const auto& manifest = model.manifest;
    const auto input = tensor_of(cut(picture, box, manifest.width, manifest.height), manifest);
    const bool nchw = manifest.layout == Manifest::Layout::nchw;
    const onnx::TensorView view{manifest.input_name,
                                nchw ? std::vector<std::int64_t>{1, 3, manifest.height, manifest.width}
                                     : std::vector<std::int64_t>{1, manifest.height, manifest.width, 3},
                                std::as_bytes(std::span(input))};
    auto made = session.run({view}, {manifest.output_name}, stop);
    if (!made && made.error().reason() == Reason::invalid_request)
      return unusable(model, "it does not take the input that media.json describes");
    if (!made) return std::move(made).error();
    const auto& tensor = made->front();
    if (tensor.type() != onnx::ElementType::float32) return unusable(model, "its output is not of float32");
    const auto values = tensor.floats();
    if (values.empty() || values.size() > 4096) return unusable(model, "its output has no fitting size");
    if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); }))
      return unusable(model, "its output is not a number");
    return std::vector<float>(values.begin(), values.end());
  }
};

OnnxModel::OnnxModel(std::unique_ptr<State> state) : state_(std::move(state)) {}
OnnxModel::~OnnxModel() = default;
OnnxModel::OnnxModel(OnnxModel&&) noexcept = default;
OnnxModel& OnnxModel::operator=(OnnxModel&&) noexcept = default;

Result<OnnxModel> OnnxModel::open(int fd, const Model& model, const ModelOptions& options) {
  auto file = TOLL_TRY(onnx::MappedFile::open(fd));
  if (onnx::file_digest(file.bytes()) != model.sha256)
    return unusable(model, "the file is not the one that was announced (its SHA-256 differs)");
  auto session = TOLL_TRY(onnx::Session::open(
      file.bytes(), {.threads = options.threads, .memory_limit = options.memory_limit, .spin = false}));
  if (auto fits = check_model(model.manifest, onnx::write_schema(session.schema())); !fits)
    return std::move(fits).error();
  return OnnxModel(std::make_unique<State>(State{model, std::move(file), std::move(session)}));
}

const Model& OnnxModel::description() const {
  return state_->model;
}

Result<double> OnnxModel::score(const Picture& picture, const Box& box, const std::stop_token& stop) {
  const auto values = TOLL_TRY(state_->run(picture, box, stop));
  const auto& manifest = state_->model.manifest;
  const auto index = static_cast<std::size_t>(manifest.fake_index);
  if (index >= values.size()) return unusable(state_->model, "fakeIndex lies outside of its output");
  if (manifest.kind == Manifest::Kind::probability) return std::clamp<double>(values[index], 0, 1);
  return values.size() == 1 ? sigmoid(values[0]) : softmax(values, index);
}

Result<std::vector<float>> OnnxModel::embed(const Picture& picture, const Box& box, const std::stop_token& stop) {
  auto values = TOLL_TRY(state_->run(picture, box, stop));
  if (values.size() != embedding_width) return unusable(state_->model, "its embedding is not 512 wide");
  double square = 0;
  for (float value : values) square += static_cast<double>(value) * value;
  if (square < 1e-12) return unusable(state_->model, "its embedding is zero");
  for (float& value : values) value = static_cast<float>(value / std::sqrt(square));
  return values;
}

Box whole(const Picture& picture) {
  return {0, 0, static_cast<double>(picture.width), static_cast<double>(picture.height)};
}

Box square_around(const Box& box, double margin) {
  const double half = std::max(box.width(), box.height()) * (0.5 + margin);
  const double x = (box.x1 + box.x2) / 2, y = (box.y1 + box.y2) / 2;
  return {x - half, y - half, x + half, y + half};
}

}  // namespace toll::engines::forensics
