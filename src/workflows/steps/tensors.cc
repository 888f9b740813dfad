#include "workflows/steps/tensors.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace toll::workflows::steps {

namespace {

using inference::ElementType;

constexpr std::size_t most_axes = 8;

Fault refused(const std::string& name, std::string why) {
  FieldProblem problem;
  problem.path = {name};
  problem.message = std::move(why);
  return Fault(Reason::invalid_request).at({std::move(problem)});
}

// IEEE 754 binary16 from single precision, to nearest, ties to even.
std::uint16_t half_of(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const auto magnitude = std::abs(value);
  if (std::isnan(value)) return sign | 0x7e00u;
  if (magnitude >= 65520.0f) return sign | 0x7c00u;
  if (magnitude < 0x1p-24f / 2) return sign;
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  // Steps of a normal number's last place, or of the smallest subnormal.
  const int last = std::max(exponent - 11, -24);
  const auto steps = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(magnitude, -last)));
  if (last == -24) return static_cast<std::uint16_t>(sign | steps);
  return static_cast<std::uint16_t>(sign | ((static_cast<std::uint32_t>(last + 24) << 10) + steps));
}

float from_half(std::uint16_t half) {
  const int exponent = (half >> 10) & 0x1f, fraction = half & 0x3ff;
  float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                    : exponent == 31
                        ? (fraction ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity())
                        : std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

std::uint16_t brain_of(float value) {
  auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return 0x7fc0;
  bits += 0x7fff + ((bits >> 16) & 1);
  return static_cast<std::uint16_t>(bits >> 16);
}

template <class T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
bool append_integer(std::string& out, const json::Value& value) {
  if (const auto* number = value.if_int64()) {
    if (!std::in_range<T>(*number)) return false;
    return append(out, static_cast<T>(*number)), true;
  }
  if (const auto* number = value.if_uint64()) {
    if (!std::in_range<T>(*number)) return false;
    return append(out, static_cast<T>(*number)), true;
  }
  const auto* real = value.if_double();
  if (!real || *real != std::floor(*real) || std::abs(*real) > 9e15) return false;
  const auto whole = static_cast<std::int64_t>(*real);
  if (!std::in_range<T>(whole)) return false;
  return append(out, static_cast<T>(whole)), true;
}

bool append_element(std::string& out, const json::Value& value, ElementType type) {
  if (type == ElementType::boolean) {
    if (value.is_bool()) return append(out, static_cast<std::uint8_t>(value.get_bool())), true;
    return value.is_int64() && (value == 0 || value == 1) && append_integer<std::uint8_t>(out, value);
  }
  if (!value.is_number()) return false;
  const auto real = [&] { return value.to_number<double>(); };
  switch (type) {
    case ElementType::float32:
      return append(out, static_cast<float>(real())), true;
    case ElementType::float64:
      return append(out, real()), true;
    case ElementType::float16:
      return append(out, half_of(static_cast<float>(real()))), true;
    case ElementType::bfloat16:
      return append(out, brain_of(static_cast<float>(real()))), true;
    case ElementType::int8:
      return append_integer<std::int8_t>(out, value);
    case ElementType::int16:
      return append_integer<std::int16_t>(out, value);
    case ElementType::int32:
      return append_integer<std::int32_t>(out, value);
    case ElementType::int64:
      return append_integer<std::int64_t>(out, value);
    case ElementType::uint8:
      return append_integer<std::uint8_t>(out, value);
    case ElementType::uint16:
      return append_integer<std::uint16_t>(out, value);
    case ElementType::uint32:
      return append_integer<std::uint32_t>(out, value);
    case ElementType::uint64:
      return append_integer<std::uint64_t>(out, value);
    case ElementType::boolean:
      break;
  }
  return false;
}

class Reader {
 public:
  explicit Reader(inference::Tensor& out) : out_(out) {}
  // Empty: all is well.
  std::string read(const json::Value& value, std::size_t axis = 0) {
    if (const auto* list = value.if_array()) return read_list(*list, axis);
    if (axis != out_.shape.size()) return "must be a list whose lists are all of the same length";
    if (!append_element(out_.bytes, value, out_.type))
      return "must hold values of type " + std::string(engines::onnx::name_of(out_.type));
    return {};
  }

 private:
  std::string read_list(const json::Array& list, std::size_t axis) {
    const auto size = static_cast<std::int64_t>(list.size());
    if (axis == out_.shape.size()) {
      // An axis is found at its first list, before any element.
      if (axis >= most_axes || !out_.bytes.empty()) return "must be lists of one depth, at most 8";
      out_.shape.push_back(size);
    }
    if (out_.shape[axis] != size) return "must be a list whose lists are all of the same length";
    for (const auto& item : list)
      if (auto why = read(item, axis + 1); !why.empty()) return why;
    return {};
  }
  inference::Tensor& out_;
};

std::optional<std::vector<std::int64_t>> shape_of(const json::Value& value) {
  if (!value.is_array() || value.get_array().size() > most_axes) return std::nullopt;
  std::vector<std::int64_t> out;
  for (const auto& extent : value.get_array()) {
    if (!extent.is_int64() || extent.get_int64() < 0) return std::nullopt;
    out.push_back(extent.get_int64());
  }
  return out;
}

template <class T>
T element(const inference::Tensor& tensor, std::size_t index) {
  T out;
  std::memcpy(&out, tensor.bytes.data() + index * sizeof(T), sizeof(T));
  return out;
}

json::Value number(double value) {
  return std::isfinite(value) ? json::Value(value) : json::Value(nullptr);
}

json::Value element_json(const inference::Tensor& tensor, std::size_t i) {
  switch (tensor.type) {
    case ElementType::float32:
      return number(element<float>(tensor, i));
    case ElementType::float64:
      return number(element<double>(tensor, i));
    case ElementType::float16:
      return number(from_half(element<std::uint16_t>(tensor, i)));
    case ElementType::bfloat16:
      return number(std::bit_cast<float>(static_cast<std::uint32_t>(element<std::uint16_t>(tensor, i)) << 16));
    case ElementType::int8:
      return element<std::int8_t>(tensor, i);
    case ElementType::int16:
      return element<std::int16_t>(tensor, i);
    case ElementType::int32:
      return element<std::int32_t>(tensor, i);
    case ElementType::int64:
      return element<std::int64_t>(tensor, i);
    case ElementType::uint8:
      return element<std::uint8_t>(tensor, i);
    case ElementType::uint16:
      return element<std::uint16_t>(tensor, i);
    case ElementType::uint32:
      return element<std::uint32_t>(tensor, i);
    case ElementType::uint64:
      return element<std::uint64_t>(tensor, i);
    case ElementType::boolean:
      return element<std::uint8_t>(tensor, i) != 0;
  }
  return nullptr;
}

}  // namespace

Result<inference::Tensor> tensor_of(const json::Value& value, const std::string& name, ElementType type) {
  inference::Tensor out;
  out.name = name;
  out.type = type;
  const auto* object = value.if_object();
  const auto* data = object ? object->if_contains("data") : &value;
  if (!data) return refused(name, "must be a number, lists of numbers, or an object with shape and data");
  if (auto why = Reader(out).read(*data); !why.empty()) return refused(name, std::move(why));
  if (const auto* given = object ? object->if_contains("shape") : nullptr) {
    auto shape = shape_of(*given);
    const auto elements = shape ? inference::elements_of(*shape) : std::nullopt;
    if (!elements || *elements * engines::onnx::size_of(type) != out.bytes.size())
      return refused(name, "must have as many values as its shape says");
    out.shape = std::move(*shape);
  }
  return out;
}

json::Object tensor_json(const inference::Tensor& tensor) {
  const auto count = tensor.bytes.size() / engines::onnx::size_of(tensor.type);
  json::Array data;
  data.reserve(count);
  for (std::size_t i = 0; i < count; ++i) data.push_back(element_json(tensor, i));
  return {{"shape", json::Array(tensor.shape.begin(), tensor.shape.end())},
          {"dtype", engines::onnx::name_of(tensor.type)},
          {"data", std::move(data)}};
}

}  // namespace toll::workflows::steps
