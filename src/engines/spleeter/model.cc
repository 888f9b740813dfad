#include "engines/spleeter/model.h"

#include "engines/onnx/refuse.h"

namespace toll::engines::spleeter {

struct Model::State {
  onnx::Session session;
  Shape shape;
  std::string digest;
};

namespace {

bool has_shape(const onnx::TensorInfo& info, std::string_view name, const Shape& shape) {
  return info.name == name && info.type == onnx::ElementType::float32 &&
         info.shape == std::vector<std::int64_t>{1, 2, shape.frames, shape.bins};
}

bool fits(const onnx::Schema& schema, const Shape& shape) {
  if (schema.inputs.size() != 1 || !has_shape(schema.inputs[0], "magnitude", shape)) return false;
  if (schema.outputs.size() != shape.sources.size()) return false;
  for (std::size_t s = 0; s < shape.sources.size(); ++s)
    if (!has_shape(schema.outputs[s], shape.sources[s], shape)) return false;
  return true;
}

}  // namespace

Model::Model(std::unique_ptr<State> state) : state_(std::move(state)) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

const Shape& Model::shape() const {
  return state_->shape;
}
const std::string& Model::source_digest() const {
  return state_->digest;
}

Result<Model> Model::open(std::span<const std::byte> file, const onnx::SessionOptions& options) {
  auto session = TOLL_TRY(onnx::Session::open(file, options));
  const auto& metadata = session.schema().metadata;
  const auto written = metadata.find(std::string(shape_key));
  if (written == metadata.end()) return onnx::refuse("the file is no model of Spleeter that was imported here");
  auto shape = TOLL_TRY(read_shape(written->second));
  if (!fits(session.schema(), shape)) return onnx::refuse("the model is not the one that its description tells");
  const auto digest = metadata.find(std::string(source_digest_key));
  std::string source = digest == metadata.end() ? std::string() : digest->second;
  return Model(std::make_unique<State>(State{std::move(session), std::move(shape), std::move(source)}));
}

Result<std::vector<onnx::Tensor>> Model::parts(std::span<const float> magnitude, const std::stop_token& stop) {
  const auto& input = state_->session.schema().inputs[0];
  return state_->session.run({{input.name, input.shape, std::as_bytes(magnitude)}}, state_->shape.sources, stop);
}

}  // namespace toll::engines::spleeter
