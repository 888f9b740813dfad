// Writes ONNX files. The format's protobuf is written by hand: a model needs a dozen messages of it, and weights can go
// to the file without passing through a message in memory (libonnx-dev would bring protobuf into the program and hold
// every weight twice).
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace toll::engines::onnx {

// The attributes of one node, in wire format.
class Attributes {
 public:
  Attributes& integer(std::string_view name, std::int64_t value);
  Attributes& real(std::string_view name, float value);
  Attributes& integers(std::string_view name, std::span<const std::int64_t> values);
  Attributes& integers(std::string_view name, std::initializer_list<std::int64_t> values);
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

using Shape = std::vector<std::int64_t>;

// One graph. Names of values are the caller's, or made here; each is defined once (std::logic_error otherwise).
class GraphWriter {
 public:
  static constexpr std::int64_t opset = 20;

  void input(const std::string& name, const Shape& shape);   // float32
  void output(const std::string& name, const Shape& shape);  // float32
  void metadata(const std::string& key, const std::string& value);

  // Weights; the name of the value.
  std::string weights(const std::string& name, std::vector<float> values, const Shape& shape);
  std::string numbers(const std::vector<std::int64_t>& values);
  std::string number(float value);

  // A node of one output, of which the name is made up unless it is given.
  std::string node(const std::string& operation, const std::vector<std::string>& inputs,
                   const Attributes& attributes = {}, const std::string& output = {});
  std::vector<std::string> node_of(const std::string& operation, const std::vector<std::string>& inputs,
                                   std::size_t outputs, const Attributes& attributes = {});
  // A node of one output of ONNX Runtime's own operators ("com.microsoft", version 1).
  std::string contributed(const std::string& operation, const std::vector<std::string>& inputs,
                          const Attributes& attributes);

  // A node of one output of operators of our own (operator.h).
  std::string own(const std::string& operation, const std::vector<std::string>& inputs, const Shape& shape,
                  Attributes attributes = {});

  // The file, from offset 0. Reason::storage_full when there is no room; throws std::system_error on other failures.
  Result<void> write(int fd) const;

 private:
  struct Tensor {
    std::string head;  // the message up to the raw bytes
    std::vector<float> values;
    std::size_t size() const { return head.size() + values.size() * sizeof(float); }
  };
  std::string new_name(std::string_view hint);
  void define(const std::string& name);
  void append(const std::string& domain, const std::string& operation, const std::vector<std::string>& inputs,
              const std::vector<std::string>& outputs, const Attributes& attributes);
  void tensor(const std::string& name, int type, const Shape& shape, std::span<const std::byte> bytes);

  std::string nodes_, inputs_, outputs_, metadata_, small_tensors_;
  std::vector<Tensor> tensors_;
  std::map<std::string, bool> defined_;
  std::size_t counter_ = 0;
};

}  // namespace toll::engines::onnx
