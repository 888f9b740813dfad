#include "engines/onnx/custom_operator.h"

#include <stdexcept>

namespace toll::engines::onnx {

OperatorKernel::OperatorKernel(const Operator& op, const OrtKernelInfo* info) {
  const Ort::ConstKernelInfo facts(info);
  shape_ = facts.GetAttributes<std::int64_t>("shape");
  for (const auto& name : op.attributes) attributes_[name] = facts.GetAttribute<std::int64_t>(name.c_str());
  OperatorNode node{shape_, attributes_, {}};
  for (std::size_t i = 0; i < facts.GetInputCount(); ++i) {
    int constant = 0;
    const auto tensor = facts.GetTensorConstantInput(i, &constant);
    node.constants.emplace_back();
    if (constant)
      node.constants.back() = {tensor.GetTensorData<float>(), tensor.GetTensorTypeAndShapeInfo().GetElementCount()};
  }
  compute_ = op.prepare(node);
}

void OperatorKernel::Compute(OrtKernelContext* raw) {
  const Ort::KernelContext context(raw);
  OperatorCall call{.shape = shape_, .attributes = attributes_};
  for (std::size_t i = 0; i < context.GetInputCount(); ++i) {
    const auto input = context.GetInput(i);
    call.inputs.emplace_back(input.GetTensorData<float>(), input.GetTensorTypeAndShapeInfo().GetElementCount());
  }
  auto output = context.GetOutput(0, shape_.data(), shape_.size());
  call.output = {output.GetTensorMutableData<float>(), output.GetTensorTypeAndShapeInfo().GetElementCount()};
  call.parallel = [&](std::size_t count, const std::function<void(std::size_t)>& work) {
    context.ParallelFor(
        [](void* self, std::size_t i) { (*static_cast<const std::function<void(std::size_t)>*>(self))(i); }, count, 0,
        const_cast<std::function<void(std::size_t)>*>(&work));
  };
  compute_(call);
}

OrtStatusPtr CustomOperator::infer(OrtShapeInferContext* raw) {
  Ort::ShapeInferContext context(&Ort::GetApi(), raw);
  Ort::ShapeInferContext::Shape shape;
  for (auto extent : context.GetAttrInts("shape")) shape.emplace_back(extent);
  context.SetOutputShape(0, shape);
  return nullptr;
}

}  // namespace toll::engines::onnx
