#include "engines/htdemucs/operators.h"

#include <algorithm>
#include <stdexcept>

#include "engines/htdemucs/kernels/table.h"
#include "engines/htdemucs/residual.h"

namespace toll::engines::htdemucs {
namespace {

constexpr std::size_t stretch = 1 << 14;  // values a thread takes at once

void must(bool fits) {
  if (!fits) throw std::invalid_argument("an operator's inputs do not fit together");
}

void gate(const onnx::OperatorCall& call) {
  must(call.inputs.size() == 1 && call.inputs[0].size() == 2 * call.output.size());
  const float* in = call.inputs[0].data();
  const std::size_t half = call.output.size();
  call.parallel((half + stretch - 1) / stretch, [&](std::size_t i) {
    const std::size_t begin = i * stretch, count = std::min(stretch, half - begin);
    kernels::table().gate(in + begin, in + half + begin, call.output.data() + begin, count);
  });
}

void gelu(const onnx::OperatorCall& call) {
  must(call.inputs.size() == 1 && call.inputs[0].size() == call.output.size());
  const float* in = call.inputs[0].data();
  call.parallel((call.output.size() + stretch - 1) / stretch, [&](std::size_t i) {
    const std::size_t begin = i * stretch, count = std::min(stretch, call.output.size() - begin);
    kernels::table().gelu(in + begin, call.output.data() + begin, count, 1, 0);
  });
}

// 1 x C*S x M x T -> 1 x C x rows x T: whole rows move.
void spread_rows(const onnx::OperatorCall& call, std::size_t stride, std::size_t crop, bool active) {
  const auto channels = static_cast<std::size_t>(call.shape[1]), out_rows = static_cast<std::size_t>(call.shape[2]),
             width = static_cast<std::size_t>(call.shape[3]);
  const std::size_t places = call.inputs[0].size() / (channels * stride * width);
  must(call.inputs[0].size() == channels * stride * places * width && crop + out_rows <= places * stride);
  const float* in = call.inputs[0].data();
  call.parallel(channels * ((out_rows + 15) / 16), [&](std::size_t i) {
    const std::size_t c = i % channels, begin = i / channels * 16, end = std::min(out_rows, begin + 16);
    for (std::size_t row = begin; row < end; ++row) {
      const std::size_t at = row + crop;
      const float* from = in + ((c * stride + at % stride) * places + at / stride) * width;
      float* to = call.output.data() + (c * out_rows + row) * width;
      if (active) {
        kernels::table().gelu(from, to, width, 1, 0);
      } else {
        std::copy(from, from + width, to);
      }
    }
  });
}

// 1 x C*S x 1 x M -> 1 x C x 1 x columns.
void spread_columns(const onnx::OperatorCall& call, std::size_t stride, std::size_t crop, bool active) {
  const auto channels = static_cast<std::size_t>(call.shape[1]), width = static_cast<std::size_t>(call.shape[3]);
  const std::size_t places = call.inputs[0].size() / (channels * stride);
  must(call.shape[2] == 1 && call.inputs[0].size() == channels * stride * places && crop + width <= places * stride);
  const float* in = call.inputs[0].data();
  const std::size_t parts = (width + stretch - 1) / stretch;
  call.parallel(channels * parts, [&](std::size_t i) {
    const std::size_t c = i / parts, begin = i % parts * stretch, end = std::min(width, begin + stretch);
    float* to = call.output.data() + c * width;
    for (std::size_t r = 0; r < stride; ++r) {
      const float* from = in + (c * stride + r) * places;
      // The first column at or after `begin` whose place has this remainder.
      std::size_t column = begin + (r + stride - (begin + crop) % stride) % stride;
      for (std::size_t place = (column + crop) / stride; column < end; column += stride, ++place)
        to[column] = from[place];
    }
    if (active) kernels::table().gelu(to + begin, to + begin, end - begin, 1, 0);
  });
}

void spread(const onnx::OperatorCall& call) {
  const auto stride = call.attributes.at("stride"), crop = call.attributes.at("crop");
  must(call.inputs.size() == 1 && call.shape.size() == 4 && stride > 0 && stride <= 64 && crop >= 0 && crop < 4096);
  must(call.shape[1] > 0 && call.shape[2] > 0 && call.shape[3] > 0);
  const auto run = call.attributes.at("axis") == 2 ? spread_rows : spread_columns;
  run(call, static_cast<std::size_t>(stride), static_cast<std::size_t>(crop), call.attributes.at("gelu") != 0);
}

}  // namespace

std::vector<onnx::Operator> operators() {
  return {{"Residual", {"dilate"}, residual},
          {"Gate", {}, gate},
          {"Spread", {"axis", "stride", "crop", "gelu"}, spread},
          {"Gelu", {}, gelu}};
}

}  // namespace toll::engines::htdemucs
