#include "engines/onnx/model_check.h"

#include <string>
#include <string_view>

#include "engines/onnx/protobuf_reader.h"
#include "engines/onnx/refuse.h"

namespace toll::engines::onnx {
namespace {

// Field numbers of onnx.proto3 (github.com/onnx/onnx, IR version 10).
constexpr std::uint32_t model_graph = 7, model_opset = 8, model_functions = 25;
constexpr std::uint32_t graph_node = 1, graph_initializer = 5, graph_sparse_initializer = 15;
constexpr std::uint32_t node_attribute = 5, attribute_tensor = 5, attribute_graph = 6, attribute_tensors = 10,
                        attribute_graphs = 11, attribute_sparse = 22, attribute_sparse_list = 23;
constexpr std::uint32_t tensor_dims = 1, tensor_type = 2, tensor_raw = 9, tensor_external = 13, tensor_location = 14;

constexpr int deepest = 16;
constexpr std::size_t most_nodes = 1'000'000;
constexpr std::uint64_t most_elements = 1ull << 40;

// Bits of an element by TensorProto.DataType; 0: held as text or unknown.
int bits_of(std::uint64_t type) {
  switch (type) {
    case 1:
    case 6:
    case 12:
      return 32;
    case 2:
    case 3:
    case 9:
    case 17:
    case 18:
    case 19:
    case 20:
    case 24:
      return 8;
    case 4:
    case 5:
    case 10:
    case 16:
      return 16;
    case 7:
    case 11:
    case 13:
    case 14:
      return 64;
    case 15:
      return 128;
    case 21:
    case 22:
    case 23:
      return 4;
    default:
      return 0;
  }
}

using Wire = ProtobufField::Wire;

class Check {
 public:
  Result<void> model(std::span<const std::byte> bytes) {
    ProtobufReader reader(bytes);
    bool graph_seen = false, opset_seen = false;
    while (auto field = reader.next()) {
      if (field->wire != Wire::bytes) continue;
      if (field->number == model_opset) opset_seen = true;
      if (field->number == model_functions) return refuse("models with functions of their own are not run");
      if (field->number != model_graph) continue;
      if (graph_seen) return refuse("the file has two graphs");
      graph_seen = true;
      if (auto checked = graph(field->payload, 0); !checked) return checked;
    }
    if (reader.malformed() || !graph_seen || !opset_seen) return refuse("this is not an ONNX file, or it is cut short");
    return {};
  }

 private:
  Result<void> graph(std::span<const std::byte> bytes, int depth) {
    if (depth > deepest) return refuse("graphs are nested too deep");
    ProtobufReader reader(bytes);
    while (auto field = reader.next()) {
      if (field->wire != Wire::bytes) continue;
      Result<void> checked;
      if (field->number == graph_node) checked = node(field->payload, depth);
      if (field->number == graph_initializer) checked = tensor(field->payload);
      if (field->number == graph_sparse_initializer) return refuse("sparse weights are not read");
      if (!checked) return checked;
    }
    if (reader.malformed()) return refuse("the graph is malformed");
    return {};
  }

  Result<void> node(std::span<const std::byte> bytes, int depth) {
    if (++nodes_ > most_nodes) return refuse("the graph has too many nodes");
    ProtobufReader reader(bytes);
    while (auto field = reader.next()) {
      if (field->number != node_attribute || field->wire != Wire::bytes) continue;
      if (auto checked = attribute(field->payload, depth); !checked) return checked;
    }
    if (reader.malformed()) return refuse("a node is malformed");
    return {};
  }

  Result<void> attribute(std::span<const std::byte> bytes, int depth) {
    ProtobufReader reader(bytes);
    while (auto field = reader.next()) {
      if (field->wire != Wire::bytes) continue;
      Result<void> checked;
      if (field->number == attribute_tensor || field->number == attribute_tensors) checked = tensor(field->payload);
      if (field->number == attribute_graph || field->number == attribute_graphs)
        checked = graph(field->payload, depth + 1);
      if (field->number == attribute_sparse || field->number == attribute_sparse_list)
        return refuse("sparse weights are not read");
      if (!checked) return checked;
    }
    if (reader.malformed()) return refuse("an attribute is malformed");
    return {};
  }

  Result<void> tensor(std::span<const std::byte> bytes) {
    std::uint64_t type = 0, elements = 1, raw = 0, held = bytes.size();
    bool has_raw = false;
    ProtobufReader reader(bytes);
    while (auto field = reader.next()) {
      if (field->number == tensor_type && field->wire == Wire::varint) type = field->value;
      if (field->number == tensor_dims) {
        if (auto checked = extents(*field, elements); !checked) return checked;
      }
      if (field->number == tensor_raw && field->wire == Wire::bytes) has_raw = true, raw = field->payload.size();
      const bool elsewhere = field->number == tensor_location && field->wire == Wire::varint && field->value != 0;
      if (field->number == tensor_external || elsewhere) return refuse("weights in other files are not read");
    }
    if (reader.malformed()) return refuse("a tensor is malformed");
    const auto bits = static_cast<std::uint64_t>(bits_of(type));
    if (has_raw && (bits == 0 || raw != (elements * bits + 7) / 8))
      return refuse("a tensor claims other sizes than it has bytes");
    // Typed fields take a byte an element at least.
    if (!has_raw && elements > held * 2) return refuse("a tensor claims more elements than the file holds");
    return {};
  }

  static Result<void> extents(const ProtobufField& field, std::uint64_t& elements) {
    const auto multiply = [&](std::uint64_t extent) {
      if (extent > most_elements || elements * extent > most_elements) return false;
      elements *= extent;
      return true;
    };
    if (field.wire == Wire::varint && !multiply(field.value)) return refuse("a tensor claims impossible extents");
    if (field.wire != Wire::bytes) return {};
    // Packed: varints one after the other.
    std::uint64_t value = 0;
    unsigned shift = 0;
    for (std::byte b : field.payload) {
      value |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(b) & 0x7f) << shift;
      shift += 7;
      if (static_cast<std::uint8_t>(b) >= 0x80 && shift < 63) continue;
      if (!multiply(value)) return refuse("a tensor claims impossible extents");
      value = 0, shift = 0;
    }
    return {};
  }

  std::size_t nodes_ = 0;
};

}  // namespace

Result<void> check_model(std::span<const std::byte> model) {
  return Check().model(model);
}

}  // namespace toll::engines::onnx
