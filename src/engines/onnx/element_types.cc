#include <array>

#include "engines/onnx/session.h"

namespace toll::engines::onnx {
namespace {

struct Row {
  std::string_view name;
  std::size_t size;
};
constexpr std::array rows{Row{"float32", 4}, Row{"float64", 8}, Row{"float16", 2}, Row{"bfloat16", 2}, Row{"int8", 1},
                          Row{"int16", 2},   Row{"int32", 4},   Row{"int64", 8},   Row{"uint8", 1},    Row{"uint16", 2},
                          Row{"uint32", 4},  Row{"uint64", 8},  Row{"boolean", 1}};

}  // namespace

std::size_t size_of(ElementType type) {
  return rows[static_cast<std::size_t>(type)].size;
}

std::string_view name_of(ElementType type) {
  return rows[static_cast<std::size_t>(type)].name;
}

}  // namespace toll::engines::onnx
