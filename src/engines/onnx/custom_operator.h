// An Operator as ONNX Runtime wants it.
#pragma once

#include "engines/onnx/operator.h"
#include "engines/onnx/ort.h"

namespace toll::engines::onnx {

// Runs one node: the operator with the node's attributes.
class OperatorKernel {
 public:
  OperatorKernel(const Operator& op, const OrtKernelInfo* info);
  void Compute(OrtKernelContext* context);

 private:
  std::vector<std::int64_t> shape_;
  std::map<std::string, std::int64_t> attributes_;
  onnx::Compute compute_;
};

// ONNX Runtime's naming.
struct CustomOperator : Ort::CustomOpBase<CustomOperator, OperatorKernel> {
  explicit CustomOperator(const Operator& op) : op(op) {
    InferOutputShapeFn = [](const OrtCustomOp*, OrtShapeInferContext* context) -> OrtStatusPtr {
      return infer(context);
    };
  }
  const char* GetName() const { return op.name.c_str(); }
  std::size_t GetInputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetInputType(std::size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
  OrtCustomOpInputOutputCharacteristic GetInputCharacteristic(std::size_t) const { return INPUT_OUTPUT_VARIADIC; }
  std::size_t GetOutputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetOutputType(std::size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
  void* CreateKernel(const OrtApi&, const OrtKernelInfo* info) const { return new OperatorKernel(op, info); }
  static OrtStatusPtr infer(OrtShapeInferContext* context);

  const Operator& op;
};

}  // namespace toll::engines::onnx
