#include "engines/onnx/graph_writer.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "engines/onnx/operator.h"

namespace toll::engines::onnx {
namespace {

// Field numbers of onnx.proto3 (github.com/onnx/onnx).
constexpr int float32_type = 1, int64_type = 7;
constexpr int attribute_float = 1, attribute_int = 2, attribute_ints = 7;
constexpr std::int64_t ir_version = 9;

void varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}
void integer_field(std::string& out, int field, std::int64_t value) {
  varint(out, static_cast<std::uint64_t>(field) << 3);
  varint(out, static_cast<std::uint64_t>(value));
}
void bytes_head(std::string& out, int field, std::size_t size) {
  varint(out, static_cast<std::uint64_t>(field) << 3 | 2);
  varint(out, size);
}
void bytes_field(std::string& out, int field, std::string_view bytes) {
  bytes_head(out, field, bytes.size());
  out += bytes;
}

std::string value_info(const std::string& name, const Shape& shape) {
  std::string extents, tensor, type, info;
  for (auto extent : shape) {
    std::string one;
    integer_field(one, 1, extent);
    bytes_field(extents, 1, one);
  }
  integer_field(tensor, 1, float32_type);
  bytes_field(tensor, 2, extents);
  bytes_field(type, 1, tensor);
  bytes_field(info, 1, name);
  bytes_field(info, 2, type);
  return info;
}

std::string tensor_head(const std::string& name, int type, const Shape& shape, std::size_t bytes) {
  std::string out;
  for (auto extent : shape) integer_field(out, 1, extent);
  integer_field(out, 2, type);
  bytes_field(out, 8, name);
  bytes_head(out, 9, bytes);
  return out;
}

std::string operator_set(std::string_view domain, std::int64_t version) {
  std::string out;
  if (!domain.empty()) bytes_field(out, 1, domain);
  integer_field(out, 2, version);
  return out;
}

class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}
  Result<void> put(const void* data, std::size_t size) {
    const auto* from = static_cast<const char*>(data);
    while (size) {
      const auto written = ::pwrite(fd_, from, size, offset_);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) return Reason::storage_full;
      if (written < 0) throw std::system_error(errno, std::generic_category(), "pwrite");
      from += written, offset_ += written, size -= static_cast<std::size_t>(written);
    }
    return {};
  }
  Result<void> put(const std::string& bytes) { return put(bytes.data(), bytes.size()); }

 private:
  int fd_;
  off_t offset_ = 0;
};

}  // namespace

Attributes& Attributes::integer(std::string_view name, std::int64_t value) {
  std::string one;
  bytes_field(one, 1, name);
  integer_field(one, 3, value);
  integer_field(one, 20, attribute_int);
  bytes_field(bytes_, 5, one);
  return *this;
}

Attributes& Attributes::real(std::string_view name, float value) {
  std::string one;
  bytes_field(one, 1, name);
  varint(one, 2 << 3 | 5);
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  one.append(raw, sizeof raw);
  integer_field(one, 20, attribute_float);
  bytes_field(bytes_, 5, one);
  return *this;
}

Attributes& Attributes::integers(std::string_view name, std::span<const std::int64_t> values) {
  std::string one;
  bytes_field(one, 1, name);
  for (auto value : values) integer_field(one, 8, value);
  integer_field(one, 20, attribute_ints);
  bytes_field(bytes_, 5, one);
  return *this;
}

Attributes& Attributes::integers(std::string_view name, std::initializer_list<std::int64_t> values) {
  return integers(name, std::span(values.begin(), values.size()));
}

void GraphWriter::define(const std::string& name) {
  if (!defined_.emplace(name, true).second) throw std::logic_error("the graph defines " + name + " twice");
}

std::string GraphWriter::new_name(std::string_view hint) {
  return std::string(hint) + "#" + std::to_string(counter_++);
}

void GraphWriter::input(const std::string& name, const Shape& shape) {
  define(name);
  bytes_field(inputs_, 11, value_info(name, shape));
}

void GraphWriter::output(const std::string& name, const Shape& shape) {
  bytes_field(outputs_, 12, value_info(name, shape));
}

void GraphWriter::metadata(const std::string& key, const std::string& value) {
  std::string entry;
  bytes_field(entry, 1, key);
  bytes_field(entry, 2, value);
  bytes_field(metadata_, 14, entry);
}

std::string GraphWriter::weights(const std::string& name, std::vector<float> values, const Shape& shape) {
  std::size_t elements = 1;
  for (auto extent : shape) elements *= static_cast<std::size_t>(extent);
  if (elements != values.size()) throw std::logic_error("the weights " + name + " do not have their shape");
  define(name);
  tensors_.push_back({tensor_head(name, float32_type, shape, values.size() * sizeof(float)), std::move(values)});
  return name;
}

void GraphWriter::tensor(const std::string& name, int type, const Shape& shape, std::span<const std::byte> bytes) {
  define(name);
  std::string message = tensor_head(name, type, shape, bytes.size());
  message.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  bytes_field(small_tensors_, 5, message);
}

std::string GraphWriter::numbers(const std::vector<std::int64_t>& values) {
  auto name = new_name("numbers");
  tensor(name, int64_type, {static_cast<std::int64_t>(values.size())}, std::as_bytes(std::span(values)));
  return name;
}

std::string GraphWriter::number(float value) {
  auto name = new_name("number");
  tensor(name, float32_type, {}, std::as_bytes(std::span(&value, 1)));
  return name;
}

void GraphWriter::append(const std::string& domain, const std::string& operation,
                         const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
                         const Attributes& attributes) {
  std::string one;
  for (const auto& input : inputs) bytes_field(one, 1, input);
  for (const auto& output : outputs) bytes_field(one, 2, output);
  bytes_field(one, 3, outputs.front());
  bytes_field(one, 4, operation);
  one += attributes.bytes();
  if (!domain.empty()) bytes_field(one, 7, domain);
  bytes_field(nodes_, 1, one);
}

std::string GraphWriter::node(const std::string& operation, const std::vector<std::string>& inputs,
                              const Attributes& attributes, const std::string& output) {
  const auto name = output.empty() ? new_name(operation) : output;
  define(name);
  append("", operation, inputs, {name}, attributes);
  return name;
}

std::vector<std::string> GraphWriter::node_of(const std::string& operation, const std::vector<std::string>& inputs,
                                              std::size_t outputs, const Attributes& attributes) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < outputs; ++i) define(names.emplace_back(new_name(operation)));
  append("", operation, inputs, names, attributes);
  return names;
}

std::string GraphWriter::contributed(const std::string& operation, const std::vector<std::string>& inputs,
                                     const Attributes& attributes) {
  auto name = new_name(operation);
  define(name);
  append("com.microsoft", operation, inputs, {name}, attributes);
  return name;
}

std::string GraphWriter::own(const std::string& operation, const std::vector<std::string>& inputs, const Shape& shape,
                             Attributes attributes) {
  auto name = new_name(operation);
  define(name);
  append(operator_domain, operation, inputs, {name}, attributes.integers("shape", shape));
  return name;
}

Result<void> GraphWriter::write(int fd) const {
  std::string model, name;
  integer_field(model, 1, ir_version);
  bytes_field(model, 2, "tollhouse");
  bytes_field(model, 8, operator_set("", opset));
  bytes_field(model, 8, operator_set("com.microsoft", 1));
  bytes_field(model, 8, operator_set(operator_domain, 1));
  model += metadata_;
  bytes_field(name, 2, "network");
  std::size_t size = nodes_.size() + name.size() + small_tensors_.size() + inputs_.size() + outputs_.size();
  std::vector<std::string> heads;
  for (const auto& tensor : tensors_) {
    bytes_head(heads.emplace_back(), 5, tensor.size());
    size += heads.back().size() + tensor.size();
  }
  bytes_head(model, 7, size);

  Output out(fd);
  for (const std::string* part :
       std::initializer_list<const std::string*>{&model, &nodes_, &name, &small_tensors_, &inputs_, &outputs_})
    if (auto put = out.put(*part); !put) return put;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const auto& tensor = tensors_[i];
    if (auto put = out.put(heads[i] + tensor.head); !put) return put;
    if (auto put = out.put(tensor.values.data(), tensor.values.size() * sizeof(float)); !put) return put;
  }
  return {};
}

}  // namespace toll::engines::onnx
