#include "engines/htdemucs/transformer.h"

namespace toll::engines::htdemucs {
namespace {

using onnx::Attributes;
using onnx::GraphWriter;
using onnx::Shape;

class FusedTransformer {
 public:
  FusedTransformer(GraphWriter& graph, Weights& weights, const Hyperparameters& hyper)
      : graph_(graph), weights_(weights), hyper_(hyper), width_(hyper.transformer_channels()) {}

  std::pair<std::string, std::string> write(const TokenPlane& spectral, const TokenPlane& temporal) {
    const auto weight = hyper_.t_weight_pos_embed, period = hyper_.t_max_period;
    TokenPlane z = enter(spectral, "", embedding_2d(width_, spectral.rows, spectral.columns, period, weight));
    TokenPlane t = enter(temporal, "_t", embedding_1d(width_, temporal.columns, period, weight));
    for (int i = 0; i < hyper_.t_layers; ++i) {
      const std::string z_name = "crosstransformer.layers." + std::to_string(i);
      const std::string t_name = "crosstransformer.layers_t." + std::to_string(i);
      if (i % 2 == (hyper_.t_cross_first ? 1 : 0)) {
        z = layer(z, z, z_name, false);
        t = layer(t, t, t_name, false);
      } else {
        const TokenPlane before = z;
        z = layer(z, t, z_name, true);
        t = layer(t, before, t_name, true);
      }
    }
    return {z.value, t.value};
  }

 private:
  Shape shape_of(const TokenPlane& plane) const { return {1, width_, plane.rows, plane.columns}; }

  std::string constant(const std::string& name, const Shape& shape) {
    return graph_.weights(name, weights_.take(name, shape), shape);
  }
  // Scaled line by line, as what follows it would be.
  std::string scaled(const std::string& name, const Shape& shape, const std::vector<float>& scale) {
    auto values = weights_.take(name, shape);
    const std::size_t line = values.size() / static_cast<std::size_t>(shape[0]);
    for (std::size_t i = 0; i < scale.size(); ++i)
      for (std::size_t k = 0; k < line; ++k) values[i * line + k] *= scale[i];
    return graph_.weights(name, std::move(values), shape);
  }
  void take_norm(std::vector<std::string>& inputs, const std::string& name) {
    inputs.push_back(constant(name + ".weight", {width_}));
    inputs.push_back(constant(name + ".bias", {width_}));
  }
  std::vector<float> layer_scale(const std::string& name) {
    if (!hyper_.t_layer_scale) return {};
    return weights_.take(name + ".scale", {width_});
  }

  TokenPlane enter(const TokenPlane& plane, const std::string& suffix, const std::vector<float>& embedding) {
    const auto channels = static_cast<std::size_t>(width_), count = embedding.size() / channels;
    std::vector<float> turned(embedding.size());
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t c = 0; c < channels; ++c) turned[c * count + i] = embedding[i * channels + c];
    const auto places = graph_.weights("embedding" + suffix, std::move(turned), shape_of(plane));
    TokenPlane out = plane;
    if (hyper_.t_norm_in) {
      std::vector<std::string> inputs{plane.value};
      take_norm(inputs, "crosstransformer.norm_in" + suffix);
      inputs.push_back(places);
      out.value = graph_.own("Enter", inputs, shape_of(plane));
    } else {
      out.value = graph_.node("Add", {plane.value, places});
    }
    return out;
  }

  TokenPlane layer(const TokenPlane& x, const TokenPlane& other, const std::string& name, bool cross) {
    const std::string attention = name + (cross ? ".cross_attn" : ".self_attn");
    std::vector<std::string> inputs{x.value, other.value};
    take_norm(inputs, name + ".norm1");
    if (cross) {
      take_norm(inputs, name + ".norm2");
    } else {
      inputs.insert(inputs.end(), {inputs[2], inputs[3]});
    }
    const auto scale = layer_scale(name + ".gamma_1");
    inputs.push_back(constant(attention + ".in_proj_weight", {3 * width_, width_}));
    inputs.push_back(constant(attention + ".in_proj_bias", {3 * width_}));
    inputs.push_back(scaled(attention + ".out_proj.weight", {width_, width_}, scale));
    inputs.push_back(scaled(attention + ".out_proj.bias", {width_}, scale));
    TokenPlane out = x;
    out.value = graph_.own("Attend", inputs, shape_of(x), Attributes().integer("heads", hyper_.t_heads));
    out.value = feed_forward(out, name, cross ? ".norm3" : ".norm2");
    return out;
  }

  std::string feed_forward(const TokenPlane& x, const std::string& name, const char* norm) {
    const auto hidden = static_cast<std::int64_t>(width_ * hyper_.t_hidden_scale);
    std::vector<std::string> inputs{x.value};
    take_norm(inputs, name + norm);
    inputs.push_back(constant(name + ".linear1.weight", {hidden, width_}));
    inputs.push_back(constant(name + ".linear1.bias", {hidden}));
    const auto scale = layer_scale(name + ".gamma_2");
    inputs.push_back(scaled(name + ".linear2.weight", {width_, hidden}, scale));
    inputs.push_back(scaled(name + ".linear2.bias", {width_}, scale));
    if (hyper_.t_norm_out) take_norm(inputs, name + ".norm_out");
    return graph_.own("FeedForward", inputs, shape_of(x), Attributes().integer("gelu", hyper_.t_gelu));
  }

  GraphWriter& graph_;
  Weights& weights_;
  const Hyperparameters& hyper_;
  std::int64_t width_;
};

}  // namespace

std::pair<std::string, std::string> write_fused_transformer(GraphWriter& graph, Weights& weights,
                                                            const Hyperparameters& hyper, const TokenPlane& spectral,
                                                            const TokenPlane& temporal) {
  return FusedTransformer(graph, weights, hyper).write(spectral, temporal);
}

}  // namespace toll::engines::htdemucs
