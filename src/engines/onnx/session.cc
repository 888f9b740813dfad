#include "engines/onnx/session.h"

#include <malloc.h>

#include <algorithm>
#include <deque>
#include <stdexcept>
#include <thread>

#include "engines/onnx/custom_operator.h"
#include "engines/onnx/element.h"
#include "engines/onnx/model_check.h"
#include "engines/onnx/ort.h"
#include "engines/onnx/refuse.h"
#include "engines/onnx/runtime.h"

namespace toll::engines::onnx {

struct Tensor::State {
  std::string name;
  Ort::Value value;
  ElementType type;
  std::vector<std::int64_t> shape;
};

struct Session::State {
  // The session refers to these.
  std::vector<Operator> operators;
  std::deque<CustomOperator> custom;
  Ort::CustomOpDomain domain{nullptr};
  Ort::Session session{nullptr};
  Schema schema;
};

namespace {

int thread_count(unsigned wanted) {
  if (wanted) return static_cast<int>(wanted);
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 8u));
}

Ort::SessionOptions options_for(const SessionOptions& options) {
  Ort::SessionOptions out;
  out.SetIntraOpNumThreads(thread_count(options.threads));
  out.SetInterOpNumThreads(1);
  out.SetExecutionMode(ORT_SEQUENTIAL);
  out.SetGraphOptimizationLevel(options.optimise ? ORT_ENABLE_ALL : ORT_DISABLE_ALL);
  // Our pool instead of the arena, which only grows and keeps twice of what a run needs.
  out.DisableCpuMemArena();

  out.AddConfigEntry("session.use_env_allocators", "1");
  out.AddConfigEntry("session.intra_op.allow_spinning", options.spin ? "1" : "0");
  if (!options.profile.empty()) out.EnableProfiling(options.profile.c_str());
  return out;
}

Result<TensorInfo> tensor_info(std::string name, const Ort::TypeInfo& type) {
  if (type.GetONNXType() != ONNX_TYPE_TENSOR) return refuse(name + " is not a tensor");
  const auto facts = type.GetTensorTypeAndShapeInfo();
  const auto element = from_ort(facts.GetElementType());
  if (!element) return refuse(name + " has an element type that is not carried");
  TensorInfo info{std::move(name), *element, facts.GetShape()};
  for (auto& extent : info.shape) extent = std::max<std::int64_t>(extent, -1);
  return info;
}

Result<Schema> schema_of(const Ort::Session& session) {
  Schema schema;
  Ort::AllocatorWithDefaultOptions allocator;
  for (std::size_t i = 0; i < session.GetInputCount(); ++i)
    schema.inputs.push_back(
        TOLL_TRY(tensor_info(session.GetInputNameAllocated(i, allocator).get(), session.GetInputTypeInfo(i))));
  for (std::size_t i = 0; i < session.GetOutputCount(); ++i)
    schema.outputs.push_back(
        TOLL_TRY(tensor_info(session.GetOutputNameAllocated(i, allocator).get(), session.GetOutputTypeInfo(i))));
  const auto metadata = session.GetModelMetadata();
  for (const auto& key : metadata.GetCustomMetadataMapKeysAllocated(allocator))
    schema.metadata[key.get()] = metadata.LookupCustomMetadataMapAllocated(key.get(), allocator).get();
  return schema;
}

Fault misfit(const std::string& name, const char* why) {
  return Fault(Reason::invalid_request).because("input " + name + " " + why);
}

Result<Ort::Value> bind(const TensorInfo& info, const TensorView& view) {
  if (view.shape.size() != info.shape.size()) return misfit(info.name, "has another rank");
  std::uint64_t elements = 1;
  for (std::size_t i = 0; i < view.shape.size(); ++i) {
    const auto extent = view.shape[i];
    if (extent < 0 || (info.shape[i] >= 0 && info.shape[i] != extent)) return misfit(info.name, "has another shape");
    if (__builtin_mul_overflow(elements, static_cast<std::uint64_t>(extent), &elements))
      return misfit(info.name, "has an impossible shape");
  }
  const auto size = size_of(info.type);
  if (elements > view.bytes.size() || elements * size != view.bytes.size())
    return misfit(info.name, "has another number of bytes than its shape");
  static std::byte nothing;  // where a tensor without elements lies
  // The runtime's interface has no read-only tensors; it does not write to inputs.
  auto* bytes = view.bytes.empty() ? &nothing : const_cast<std::byte*>(view.bytes.data());
  return Ort::Value::CreateTensor(cpu_memory(), bytes, view.bytes.size(),
                                  view.shape.data(), view.shape.size(), to_ort(info.type));
}

Result<std::vector<Ort::Value>> bind_all(const Schema& schema, const std::vector<TensorView>& inputs) {
  if (inputs.size() != schema.inputs.size())
    return Fault(Reason::invalid_request).because("the model has " + std::to_string(schema.inputs.size()) + " inputs");
  std::vector<Ort::Value> values;
  for (const auto& info : schema.inputs) {
    auto view = std::find_if(inputs.begin(), inputs.end(), [&](const auto& input) { return input.name == info.name; });
    if (view == inputs.end()) return misfit(info.name, "is missing");
    values.push_back(TOLL_TRY(bind(info, *view)));
  }
  return values;
}

Tensor carry(std::string name, Ort::Value value) {
  const auto facts = value.GetTensorTypeAndShapeInfo();
  const auto type = from_ort(facts.GetElementType());
  if (!type) throw std::runtime_error("an output of a type that the schema does not have");
  auto shape = facts.GetShape();
  return Tensor(
      std::make_unique<Tensor::State>(Tensor::State{std::move(name), std::move(value), *type, std::move(shape)}));
}

}  // namespace

Tensor::Tensor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tensor::~Tensor() = default;
Tensor::Tensor(Tensor&&) noexcept = default;
Tensor& Tensor::operator=(Tensor&&) noexcept = default;

const std::string& Tensor::name() const {
  return state_->name;
}
ElementType Tensor::type() const {
  return state_->type;
}
const std::vector<std::int64_t>& Tensor::shape() const {
  return state_->shape;
}
std::span<const std::byte> Tensor::bytes() const {
  const auto elements = state_->value.GetTensorTypeAndShapeInfo().GetElementCount();
  return {static_cast<const std::byte*>(state_->value.GetTensorRawData()), elements * size_of(state_->type)};
}
std::span<const float> Tensor::floats() const {
  if (state_->type != ElementType::float32) throw std::logic_error("floats() of another type");
  return {reinterpret_cast<const float*>(bytes().data()), bytes().size() / sizeof(float)};
}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

Result<Session> Session::open(std::span<const std::byte> model, const SessionOptions& options) {
  if (!environment()) {
    auto loaded = load_runtime();
    if (!loaded) return std::move(loaded).error();
  }
  if (auto checked = check_model(model); !checked) return std::move(checked).error();
  pool().set_limit(options.memory_limit);
  try {
    auto state = std::make_unique<State>();
    auto session_options = options_for(options);
    if (!options.operators.empty()) {
      state->operators = options.operators;
      state->domain = Ort::CustomOpDomain(operator_domain);
      for (const auto& op : state->operators) state->domain.Add(&state->custom.emplace_back(op));
      session_options.Add(state->domain);
    }
    state->session = Ort::Session(*environment(), model.data(), model.size(), session_options);
    // What loading left behind is as large as the weights.
    ::malloc_trim(0);
    state->schema = TOLL_TRY(schema_of(state->session));
    return Session(std::move(state));
  } catch (const Ort::Exception& e) {
    return Fault(Reason::model_unusable).with("why", "ONNX Runtime cannot load it").because(e.what());
  } catch (const std::bad_alloc&) {
    return refuse("it needs more memory than there is");
  }
}

const Schema& Session::schema() const {
  return state_->schema;
}

Result<std::vector<Tensor>> Session::run(const std::vector<TensorView>& inputs, const std::vector<std::string>& outputs,
                                         const std::stop_token& stop) {
  if (stop.stop_requested()) return Reason::cancelled;
  const auto& schema = state_->schema;
  std::vector<std::string> wanted = outputs;
  if (wanted.empty())
    for (const auto& output : schema.outputs) wanted.push_back(output.name);
  std::vector<const char*> input_names, output_names;
  for (const auto& input : schema.inputs) input_names.push_back(input.name.c_str());
  for (const auto& output : wanted) output_names.push_back(output.c_str());
  try {
    const auto values = TOLL_TRY(bind_all(schema, inputs));
    Ort::RunOptions run;
    std::stop_callback terminate(stop, [&] { run.SetTerminate(); });
    auto made = state_->session.Run(run, input_names.data(), values.data(), values.size(), output_names.data(),
                                    output_names.size());
    std::vector<Tensor> out;
    for (std::size_t i = 0; i < made.size(); ++i) out.push_back(carry(wanted[i], std::move(made[i])));
    return out;
  } catch (const Ort::Exception& e) {
    if (stop.stop_requested()) return Reason::cancelled;
    return Fault(Reason::model_unusable).with("why", "its run failed").because(e.what());
  } catch (const std::bad_alloc&) {
    return refuse("it needs more memory than there is");
  }
}

std::uint64_t peak_model_memory() {
  return pool().peak();
}

void trim_model_memory() {
  pool().trim();
}

}  // namespace toll::engines::onnx
