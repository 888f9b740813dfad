#include "surfaces/inference/wire.h"

#include <cmath>

#include "metering/credits.h"
#include "surfaces/inference/datatypes.h"

namespace toll::open_inference {

std::vector<TensorView> view(const std::vector<inference::TensorInfo>& tensors) {
  std::vector<TensorView> out;
  for (const auto& one : tensors) out.push_back({one.name, std::string(datatype_of(one.type)), one.shape});
  return out;
}

}  // namespace toll::open_inference

namespace toll::json {

void Codec<double>::write(std::string& out, double v, bool) {
  out += metering::to_text({std::llround(v * metering::micros_per_credit)});
}

}  // namespace toll::json
