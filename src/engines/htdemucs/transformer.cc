#include "engines/htdemucs/transformer.h"

#include <cmath>

namespace toll::engines::htdemucs {
namespace {

using onnx::Attributes;
using onnx::GraphWriter;
using onnx::Shape;

// rows x columns -> columns x rows, each row of the result scaled by nothing or by its column's scale.
std::vector<float> transposed(const std::vector<float>& in, std::size_t rows, std::size_t columns,
                              const std::vector<float>& row_scale) {
  std::vector<float> out(in.size());
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c)
      out[c * rows + r] = in[r * columns + c] * (row_scale.empty() ? 1.0f : row_scale[r]);
  return out;
}

struct Tokens {
  std::string value;  // 1 x count x channels
  std::int64_t count;
};

class Transformer {
 public:
  Transformer(GraphWriter& graph, Weights& weights, const Hyperparameters& hyper)
      : graph_(graph), weights_(weights), hyper_(hyper), width_(hyper.transformer_channels()) {}

  std::pair<std::string, std::string> write(const TokenPlane& spectral, const TokenPlane& temporal) {
    const auto weight = hyper_.t_weight_pos_embed, period = hyper_.t_max_period;
    Tokens z = enter(spectral, "", embedding_2d(width_, spectral.rows, spectral.columns, period, weight));
    Tokens t = enter(temporal, "_t", embedding_1d(width_, temporal.columns, period, weight));
    for (int i = 0; i < hyper_.t_layers; ++i) {
      const std::string z_name = "crosstransformer.layers." + std::to_string(i);
      const std::string t_name = "crosstransformer.layers_t." + std::to_string(i);
      if (i % 2 == (hyper_.t_cross_first ? 1 : 0)) {
        z = self_layer(z, z_name);
        t = self_layer(t, t_name);
      } else {
        const Tokens before = z;
        z = cross_layer(z, t, z_name);
        t = cross_layer(t, before, t_name);
      }
    }
    return {leave(z, spectral, ""), leave(t, temporal, "_t")};
  }

 private:
  std::string reshape(const std::string& value, const Shape& shape) {
    return graph_.node("Reshape", {value, graph_.numbers(shape)});
  }
  std::string turn(const std::string& value) {
    return graph_.node("Transpose", {value}, Attributes().integers("perm", {0, 2, 1}));
  }

  Tokens enter(const TokenPlane& plane, const std::string& suffix, std::vector<float> embedding) {
    const int outside = hyper_.channels_at(hyper_.depth - 1);
    const std::int64_t count = plane.rows * plane.columns;
    auto x = turn(reshape(plane.value, {1, outside, count}));
    if (hyper_.bottom_channels) x = linear(x, "channel_upsampler" + suffix, width_, outside, {}, true);
    if (hyper_.t_norm_in) x = layer_norm(x, "crosstransformer.norm_in" + suffix);
    x = graph_.node("Add", {x, graph_.weights("embedding" + suffix, std::move(embedding), {1, count, width_})});
    return {x, count};
  }

  std::string leave(const Tokens& tokens, const TokenPlane& plane, const std::string& suffix) {
    const int outside = hyper_.channels_at(hyper_.depth - 1);
    auto x = tokens.value;
    if (hyper_.bottom_channels) x = linear(x, "channel_downsampler" + suffix, outside, width_, {}, true);
    return reshape(turn(x), {1, outside, plane.rows, plane.columns});
  }

  // x W^T + b, rows of W and b scaled by `scale`. A convolution of width 1 is the same with a third extent.
  std::string linear(const std::string& x, const std::string& name, std::int64_t out, std::int64_t in,
                     const std::vector<float>& scale, bool convolution = false) {
    const Shape shape = convolution ? Shape{out, in, 1} : Shape{out, in};
    return multiply(x, name, weights_.take(name + ".weight", shape), weights_.take(name + ".bias", {out}), in, scale);
  }
  std::string multiply(const std::string& x, const std::string& name, const std::vector<float>& weight,
                       std::vector<float> bias, std::int64_t in, const std::vector<float>& scale) {
    const auto out = static_cast<std::int64_t>(bias.size());
    for (std::size_t i = 0; i < scale.size(); ++i) bias[i] *= scale[i];
    const auto matrix = graph_.weights(
        name + ".weight", transposed(weight, static_cast<std::size_t>(out), static_cast<std::size_t>(in), scale),
        {in, out});
    return graph_.node("Add",
                       {graph_.node("MatMul", {x, matrix}), graph_.weights(name + ".bias", std::move(bias), {out})});
  }

  std::vector<float> layer_scale(const std::string& name) {
    if (!hyper_.t_layer_scale) return {};
    return weights_.take(name + ".scale", {width_});
  }

  std::vector<std::string> affine(const std::string& name) {
    return {graph_.weights(name + ".weight", weights_.take(name + ".weight", {width_}), {width_}),
            graph_.weights(name + ".bias", weights_.take(name + ".bias", {width_}), {width_})};
  }
  std::string layer_norm(const std::string& x, const std::string& name) {
    const auto parameters = affine(name);
    return graph_.node("LayerNormalization", {x, parameters[0], parameters[1]},
                       Attributes().integer("axis", -1).real("epsilon", 1e-5f));
  }

  // softmax(Q K^T / sqrt(d)) V in heads (Vaswani et al. 2017). `keys` gives keys and values.
  std::string attend(const Tokens& queries, const Tokens& keys, const std::string& name,
                     const std::vector<float>& scale) {
    const auto weight = weights_.take(name + ".in_proj_weight", {3 * width_, width_});
    const auto bias = weights_.take(name + ".in_proj_bias", {3 * width_});
    const auto part = [&](std::size_t which, const Tokens& from, const char* suffix) {
      const auto width = static_cast<std::ptrdiff_t>(width_), first = static_cast<std::ptrdiff_t>(which) * width;
      return multiply(from.value, name + suffix,
                      {weight.begin() + first * width, weight.begin() + (first + width) * width},
                      {bias.begin() + first, bias.begin() + first + width}, width_, {});
    };
    const auto q = part(0, queries, ".q"), k = part(1, keys, ".k"), v = part(2, keys, ".v");
    const auto mixed =
        graph_.contributed("MultiHeadAttention", {q, k, v}, Attributes().integer("num_heads", hyper_.t_heads));
    return linear(mixed, name + ".out_proj", width_, width_, scale);
  }

  std::string feed_forward(const std::string& x, const std::string& name) {
    const auto hidden = static_cast<std::int64_t>(width_ * hyper_.t_hidden_scale);
    const auto inner = linear(x, name + ".linear1", hidden, width_, {});
    const auto active = graph_.node(hyper_.t_gelu ? "Gelu" : "Relu", {inner});
    return linear(active, name + ".linear2", width_, hidden, layer_scale(name + ".gamma_2"));
  }

  Tokens finish(const Tokens& before, const std::string& attended, const std::string& norm, const std::string& name) {
    auto x = graph_.node("Add", {before.value, attended});
    x = graph_.node("Add", {x, feed_forward(layer_norm(x, name + norm), name)});
    if (hyper_.t_norm_out) {
      const auto parameters = affine(name + ".norm_out");
      x = norm_of_all(graph_, x, parameters[0], parameters[1], {1, before.count, width_});
    }
    return {x, before.count};
  }

  Tokens self_layer(const Tokens& x, const std::string& name) {
    const Tokens normed{layer_norm(x.value, name + ".norm1"), x.count};
    const auto scale = layer_scale(name + ".gamma_1");
    return finish(x, attend(normed, normed, name + ".self_attn", scale), ".norm2", name);
  }

  Tokens cross_layer(const Tokens& x, const Tokens& other, const std::string& name) {
    const Tokens normed{layer_norm(x.value, name + ".norm1"), x.count};
    const Tokens normed_other{layer_norm(other.value, name + ".norm2"), other.count};
    const auto scale = layer_scale(name + ".gamma_1");
    return finish(x, attend(normed, normed_other, name + ".cross_attn", scale), ".norm3", name);
  }

  GraphWriter& graph_;
  Weights& weights_;
  const Hyperparameters& hyper_;
  int width_;
};

}  // namespace

// Sines and cosines of the place, in the two layouts of the reference.
std::vector<float> embedding_2d(int channels, std::int64_t rows, std::int64_t columns, double period, double weight) {
  const int half = channels / 2;
  const auto d = static_cast<std::size_t>(channels);
  std::vector<float> out(static_cast<std::size_t>(rows * columns) * d);
  for (int i = 0; i < half; i += 2) {
    const float rate = std::exp(static_cast<float>(i) * static_cast<float>(-(std::log(period) / half)));
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c) {
        float* token = out.data() + static_cast<std::size_t>(r * columns + c) * d;
        const float x = static_cast<float>(c) * rate, y = static_cast<float>(r) * rate;
        token[i] = static_cast<float>(weight) * std::sin(x);
        token[i + 1] = static_cast<float>(weight) * std::cos(x);
        token[half + i] = static_cast<float>(weight) * std::sin(y);
        token[half + i + 1] = static_cast<float>(weight) * std::cos(y);
      }
  }
  return out;
}

std::vector<float> embedding_1d(int channels, std::int64_t length, double period, double weight) {
  const int half = channels / 2;
  std::vector<float> out(static_cast<std::size_t>(length * channels));
  for (std::int64_t t = 0; t < length; ++t)
    for (int i = 0; i < half; ++i) {
      const float exponent = static_cast<float>(i) / static_cast<float>(half - 1);
      const float phase = static_cast<float>(t) / std::pow(static_cast<float>(period), exponent);
      float* token = out.data() + static_cast<std::size_t>(t * channels);
      token[i] = static_cast<float>(weight) * std::cos(phase);
      token[half + i] = static_cast<float>(weight) * std::sin(phase);
    }
  return out;
}

std::pair<std::string, std::string> write_transformer(GraphWriter& graph, Weights& weights,
                                                      const Hyperparameters& hyper, const TokenPlane& spectral,
                                                      const TokenPlane& temporal) {
  return Transformer(graph, weights, hyper).write(spectral, temporal);
}

// InstanceNormalization of one instance of one channel, which is the whole.
std::string norm_of_all(GraphWriter& graph, const std::string& value, const std::string& gamma, const std::string& beta,
                        const Shape& shape) {
  const auto flat = graph.node("Reshape", {value, graph.numbers({1, 1, shape[1] * shape[2]})});
  const auto one = graph.node("Expand", {graph.number(1), graph.numbers({1})});
  const auto zero = graph.node("Expand", {graph.number(0), graph.numbers({1})});
  const auto normed = graph.node("InstanceNormalization", {flat, one, zero}, Attributes().real("epsilon", 1e-5f));
  const auto back = graph.node("Reshape", {normed, graph.numbers(shape)});
  return graph.node("Add", {graph.node("Mul", {back, gamma}), beta});
}

}  // namespace toll::engines::htdemucs
