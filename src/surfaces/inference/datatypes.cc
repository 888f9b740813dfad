#include "surfaces/inference/datatypes.h"

#include <array>

namespace toll::open_inference {

namespace {
struct Row {
  ElementType type;
  std::string_view name;
};
constexpr std::array rows{
    Row{ElementType::boolean, "BOOL"},  Row{ElementType::uint8, "UINT8"},   Row{ElementType::uint16, "UINT16"},
    Row{ElementType::uint32, "UINT32"}, Row{ElementType::uint64, "UINT64"}, Row{ElementType::int8, "INT8"},
    Row{ElementType::int16, "INT16"},   Row{ElementType::int32, "INT32"},   Row{ElementType::int64, "INT64"},
    Row{ElementType::float16, "FP16"},  Row{ElementType::float32, "FP32"},  Row{ElementType::float64, "FP64"},
    Row{ElementType::bfloat16, "BF16"}};
}  // namespace

std::string_view datatype_of(ElementType type) {
  for (const auto& row : rows)
    if (row.type == type) return row.name;
  return "BYTES";
}

std::optional<ElementType> type_of_datatype(std::string_view name) {
  for (const auto& row : rows)
    if (row.name == name) return row.type;
  return std::nullopt;
}

}  // namespace toll::open_inference
