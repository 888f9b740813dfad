#include "engines/htdemucs/safetensors.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "engines/onnx/refuse.h"
#include "json/parse.h"

namespace toll::engines::htdemucs {
namespace json = boost::json;
namespace {

using onnx::refuse;
using Bytes = std::span<const std::byte>;
using Type = StoredTensor::Type;

constexpr std::uint64_t largest_header = 16 << 20;

Fault malformed() {
  return refuse("the header of the safetensors file is malformed");
}

std::optional<Type> type_of(std::string_view name) {
  if (name == "F16") return Type::float16;
  if (name == "BF16") return Type::bfloat16;
  if (name == "F32") return Type::float32;
  if (name == "F64") return Type::float64;
  if (name == "I64") return Type::int64;
  return std::nullopt;
}

Result<StoredTensor> read_tensor(const json::value& value, Bytes data) {
  const auto* object = value.if_object();
  if (!object) return malformed();
  const auto *type = object->if_contains("dtype"), *shape = object->if_contains("shape"),
             *offsets = object->if_contains("data_offsets");
  if (!type || !type->is_string() || !shape || !shape->is_array() || !offsets || !offsets->is_array() ||
      offsets->get_array().size() != 2 || shape->get_array().size() > 8)
    return malformed();
  const auto known = type_of(type->get_string());
  if (!known) return refuse("the file has tensors of a type that is not read");
  StoredTensor tensor{.type = *known};
  for (const auto& extent : shape->get_array()) {
    if (!extent.is_int64()) return malformed();
    tensor.shape.push_back(extent.get_int64());
  }
  tensor.strides = dense_strides(tensor.shape);
  const auto &begin = offsets->get_array()[0], &end = offsets->get_array()[1];
  if (!begin.is_int64() || !end.is_int64() || begin.get_int64() < 0 || end.get_int64() < begin.get_int64() ||
      static_cast<std::uint64_t>(end.get_int64()) > data.size())
    return refuse("the weights are not in the file");
  tensor.bytes = data.subspan(static_cast<std::size_t>(begin.get_int64()),
                              static_cast<std::size_t>(end.get_int64() - begin.get_int64()));
  const auto count = element_count(tensor.shape);
  if (count < 0 || static_cast<std::uint64_t>(count) * size_of(tensor.type) != tensor.bytes.size()) return malformed();
  return tensor;
}

// Whether the tensors lie one after the other and nothing else is there, as the format wants it: no byte is claimed
// twice, and none is there that nobody looked at.
bool fills(Bytes data, const State& state) {
  std::vector<Bytes> pieces;
  for (const auto& [name, tensor] : state) pieces.push_back(tensor.bytes);
  std::ranges::sort(pieces, {}, [](Bytes piece) { return std::pair(piece.data(), piece.size()); });
  const auto* end = data.data();
  for (const auto piece : pieces) {
    if (piece.data() != end) return false;
    end += piece.size();
  }
  return end == data.data() + data.size();
}

}  // namespace

Result<Safetensors> read_safetensors(Bytes file) {
  std::uint64_t size = 0;
  if (file.size() < sizeof size) return malformed();
  std::memcpy(&size, file.data(), sizeof size);
  if (size > largest_header || size > file.size() - sizeof size) return malformed();
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + sizeof size, size);
  const auto header = toll::json::parse(text);
  if (!header || !header->is_object()) return malformed();
  const auto data = file.subspan(sizeof size + size);
  Safetensors out;
  for (const auto& [name, value] : header->get_object()) {
    if (name != "__metadata__") {
      out.state[std::string(name)] = TOLL_TRY(read_tensor(value, data));
      continue;
    }
    if (!value.is_object()) return malformed();
    for (const auto& [key, text_value] : value.get_object()) {
      if (!text_value.is_string()) return malformed();
      out.metadata[std::string(key)] = std::string(text_value.get_string());
    }
  }
  if (!fills(data, out.state)) return refuse("the weights overlap in the file, or leave gaps");
  return out;
}

}  // namespace toll::engines::htdemucs
