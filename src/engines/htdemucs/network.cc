#include "engines/htdemucs/network.h"

#include <cmath>

#include "engines/htdemucs/transformer.h"
#include "engines/htdemucs/weights.h"
#include "engines/onnx/graph_writer.h"

namespace toll::engines::htdemucs {
namespace {

using onnx::Attributes;
using onnx::GraphWriter;
using onnx::Shape;

// The branch over frequencies works on channels x frequencies x frames, the one over time on channels x 1 x samples:
// the same operators serve both.
struct Branch {
  bool spectral;
  const char* prefix;  // "" or "t"
  int audio_channels;  // of the input
};

struct Plane {
  std::string value;
  int channels;
  std::int64_t rows, columns;  // frequencies x frames, or 1 x samples
};

class Builder {
 public:
  Builder(const Hyperparameters& hyper, const State* state, const NetworkOptions& options)
      : hyper_(hyper), weights_(state), options_(options) {}

  Result<void> write(int fd) {
    try {
      build();
    } catch (WeightsRefused& refused) {
      return std::move(refused.fault);
    }
    if (auto fine = weights_.verdict(); !fine) return fine;
    return graph_.write(fd);
  }
  std::map<std::string, std::vector<std::int64_t>> asked() {
    build();
    return weights_.asked();
  }

 private:
  void build() {
    const std::int64_t bins = hyper_.nfft / 2, frames = hyper_.stft_frames(), samples = hyper_.segment_frames;
    const int stereo = hyper_.audio_channels, sources = static_cast<int>(hyper_.sources.size());
    graph_.input("spectrum", {1, 2 * stereo, bins, frames});
    graph_.input("wave", {1, stereo, samples});
    const Branch spectral{true, "", 2 * stereo}, temporal{false, "t", stereo};
    Plane z{"spectrum", 2 * stereo, bins, frames};
    Plane t{reshape("wave", {1, stereo, 1, samples}), stereo, 1, samples};
    std::vector<Plane> saved_z, saved_t;
    std::vector<std::int64_t> lengths;
    for (int i = 0; i < hyper_.depth; ++i) {
      lengths.push_back(t.columns);
      t = encode(temporal, t, i);
      saved_t.push_back(t);
      z = encode(spectral, z, i);
      if (i == 0) z = add_frequency_embedding(z);
      saved_z.push_back(z);
    }
    if (hyper_.t_layers) transform(z, t);
    for (int i = 0; i < hyper_.depth; ++i) {
      const int layer = hyper_.depth - 1 - i;
      z = decode(spectral, z, saved_z[static_cast<std::size_t>(layer)], layer, 2 * stereo * sources, 0);
      t = decode(temporal, t, saved_t[static_cast<std::size_t>(layer)], layer, stereo * sources,
                 lengths[static_cast<std::size_t>(layer)]);
    }
    graph_.node("Identity", {z.value}, {}, "spectra");
    graph_.node("Reshape", {t.value, graph_.numbers({1, stereo * sources, samples})}, {}, "waves");
    graph_.output("spectra", {1, 2 * stereo * sources, bins, frames});
    graph_.output("waves", {1, stereo * sources, samples});
    graph_.metadata(std::string(hyperparameters_key), write_hyperparameters(hyper_));
    if (!options_.source_digest.empty()) graph_.metadata(std::string(source_digest_key), options_.source_digest);
  }

  std::string reshape(const std::string& value, const Shape& shape) {
    return graph_.node("Reshape", {value, graph_.numbers(shape)});
  }
  // Weights and bias of a convolution. `shape` is the checkpoint's; the graph's has a row more where the branch is over
  // time.
  std::vector<std::string> parameters(const std::string& name, const Shape& shape, const Shape& graph_shape,
                                      int biases) {
    return {graph_.weights(name + ".weight", weights_.take(name + ".weight", shape), graph_shape),
            graph_.weights(name + ".bias", weights_.take(name + ".bias", {biases}), {biases})};
  }

  std::string expose(const std::string& name, const Plane& plane) {
    if (!options_.expose_layers) return plane.value;
    auto value = graph_.node("Identity", {plane.value}, {}, name);
    graph_.output(name, {1, plane.channels, plane.rows, plane.columns});
    return value;
  }

  // How an operator Convolve goes over its input.
  struct Sampling {
    std::int64_t kernel_rows = 1, kernel_columns = 1, stride_rows = 1, stride_columns = 1, pad_rows = 0,
                 pad_columns = 0;
  };
  // What follows in the same operator. `grid_rows` and `grid_columns` are the output's unless it is spread.
  struct Finish {
    bool gelu = false, gate = false;
    std::int64_t axis = 2, spread = 1, crop = 0, grid_rows = 0, grid_columns = 0;
  };
  std::string convolve(const std::vector<std::string>& inputs, const Plane& in, const Sampling& sampling,
                       const Plane& out, const Finish& finish) {
    return graph_.own("Convolve", inputs, {1, out.channels, out.rows, out.columns},
                      Attributes()
                          .integer("rows", in.rows)
                          .integer("columns", in.columns)
                          .integer("kernel_rows", sampling.kernel_rows)
                          .integer("kernel_columns", sampling.kernel_columns)
                          .integer("stride_rows", sampling.stride_rows)
                          .integer("stride_columns", sampling.stride_columns)
                          .integer("pad_rows", sampling.pad_rows)
                          .integer("pad_columns", sampling.pad_columns)
                          .integer("grid_rows", finish.spread > 1 ? finish.grid_rows : out.rows)
                          .integer("grid_columns", finish.spread > 1 ? finish.grid_columns : out.columns)
                          .integer("gelu", finish.gelu)
                          .integer("gate", finish.gate)
                          .integer("axis", finish.axis)
                          .integer("spread", finish.spread)
                          .integer("crop", finish.crop));
  }

  // The first half of the channels, gated by the second.
  std::string glu(const std::string& value) {
    const auto halves = graph_.node_of("Split", {value}, 2, Attributes().integer("axis", 1).integer("num_outputs", 2));
    return graph_.node("Mul", {halves[0], graph_.node("Sigmoid", {halves[1]})});
  }

  Plane encode(const Branch& branch, const Plane& in, int layer) {
    const std::string name = std::string(branch.prefix) + "encoder." + std::to_string(layer);
    const int channels = hyper_.channels_at(layer), kernel = hyper_.kernel_size, stride = hyper_.stride;
    const std::int64_t pad = kernel / 4, over = branch.spectral ? 0 : (stride - in.columns % stride) % stride;
    Plane out{{}, channels, in.rows, in.columns};
    Sampling sampling;
    Attributes attributes;
    Shape shape{channels, in.channels, kernel}, graph_shape;
    if (branch.spectral) {
      shape.push_back(1);
      graph_shape = shape;
      attributes.integers("kernel_shape", {kernel, 1})
          .integers("strides", {stride, 1})
          .integers("pads", {pad, 0, pad, 0});
      out.rows = in.rows / stride;
      sampling = {kernel, 1, stride, 1, pad, 0};
    } else {
      graph_shape = {channels, in.channels, 1, kernel};
      sampling = {1, kernel, 1, stride, 0, pad};
      attributes.integers("kernel_shape", {1, kernel})
          .integers("strides", {1, stride})
          .integers("pads", {0, pad, 0, pad + over});
      out.columns = (in.columns + over) / stride;
    }
    auto inputs = parameters(name + ".conv", shape, graph_shape, channels);
    inputs.insert(inputs.begin(), in.value);
    if (options_.portable) {
      out.value = graph_.node("Gelu", {graph_.node("Conv", inputs, attributes)});
    } else {
      out.value = convolve(inputs, in, sampling, out, {.gelu = true});
    }
    if (hyper_.dconv_mode & 1) out.value = residual(branch, out, name + ".dconv");
    if (hyper_.rewrite) out.value = rewrite(branch, out, name + ".rewrite", hyper_.context_enc);
    out.value = expose(name, out);
    return out;
  }

  // `skip`: what is added to `in` before, or nothing.
  std::string rewrite(const Branch& branch, const Plane& in, const std::string& name, int context,
                      const std::string& skip = {}) {
    const std::int64_t width = 1 + 2 * context, doubled = 2 * in.channels;
    Shape shape{doubled, in.channels, width};
    Shape graph_shape{doubled, in.channels, branch.spectral ? width : 1, width};
    if (branch.spectral) shape.push_back(width);
    const std::int64_t rows = branch.spectral ? context : 0;
    auto inputs = parameters(name, shape, graph_shape, static_cast<int>(doubled));
    inputs.insert(inputs.begin(), in.value);
    if (!options_.portable) {
      if (!skip.empty()) inputs.push_back(skip);
      return convolve(inputs, in, {graph_shape[2], width, 1, 1, rows, context}, in, {.gate = true});
    }
    if (!skip.empty()) inputs[0] = graph_.node("Add", {in.value, skip});
    return glu(graph_.node("Conv", inputs,
                           Attributes()
                               .integers("kernel_shape", {graph_shape[2], width})
                               .integers("pads", {rows, context, rows, context})));
  }

  // Dilated convolutions over time with a residual, each frequency on its own ("DConv").
  std::string residual(const Branch&, const Plane& in, const std::string& name) {
    if (!options_.portable) return fused_residual(in, name);
    const int hidden = static_cast<int>(in.channels / hyper_.dconv_comp);
    // Frequencies become the batch.
    std::string x =
        in.rows == 1 ? in.value : graph_.node("Transpose", {in.value}, Attributes().integers("perm", {2, 1, 0, 3}));
    x = reshape(x, {in.rows, in.channels, in.columns});
    for (int d = 0; d < std::abs(hyper_.dconv_depth); ++d) {
      const std::string layer = name + ".layers." + std::to_string(d);
      const std::int64_t dilation = hyper_.dconv_depth > 0 ? std::int64_t{1} << d : 1;
      auto narrow = parameters(layer + ".0", {hidden, in.channels, 3}, {hidden, in.channels, 3}, hidden);
      narrow.insert(narrow.begin(), x);
      auto y = graph_.node("Conv", narrow,
                           Attributes()
                               .integers("kernel_shape", {3})
                               .integers("dilations", {dilation})
                               .integers("pads", {dilation, dilation}));
      y = graph_.node("Gelu", {group_norm(y, layer + ".1", {in.rows, hidden, in.columns})});
      auto wide = parameters(layer + ".3", {2 * in.channels, hidden, 1}, {2 * in.channels, hidden, 1}, 2 * in.channels);
      wide.insert(wide.begin(), y);
      y = graph_.node("Conv", wide, Attributes().integers("kernel_shape", {1}));
      y = glu(group_norm(y, layer + ".4", {in.rows, 2 * in.channels, in.columns}));
      const auto scale =
          graph_.weights(layer + ".6.scale", weights_.take(layer + ".6.scale", {in.channels}), {in.channels, 1});
      x = graph_.node("Add", {x, graph_.node("Mul", {y, scale})});
    }
    x = reshape(x, {in.rows, in.channels, 1, in.columns});
    return in.rows == 1 ? x : graph_.node("Transpose", {x}, Attributes().integers("perm", {2, 1, 0, 3}));
  }

  std::string fused_residual(const Plane& in, const std::string& name) {
    const std::int64_t channels = in.channels, hidden = static_cast<std::int64_t>(in.channels / hyper_.dconv_comp);
    std::vector<std::string> inputs{in.value};
    const auto take = [&](const std::string& weight, const Shape& shape) {
      inputs.push_back(graph_.weights(weight, weights_.take(weight, shape), shape));
    };
    for (int d = 0; d < std::abs(hyper_.dconv_depth); ++d) {
      const std::string layer = name + ".layers." + std::to_string(d);
      take(layer + ".0.weight", {hidden, channels, 3}), take(layer + ".0.bias", {hidden});
      take(layer + ".1.weight", {hidden}), take(layer + ".1.bias", {hidden});
      take(layer + ".3.weight", {2 * channels, hidden, 1}), take(layer + ".3.bias", {2 * channels});
      take(layer + ".4.weight", {2 * channels}), take(layer + ".4.bias", {2 * channels});
      take(layer + ".6.scale", {channels});
    }
    if (inputs.size() == 1) return in.value;
    return graph_.own("Residual", inputs, {1, channels, in.rows, in.columns},
                      Attributes().integer("dilate", hyper_.dconv_depth > 0));
  }

  // GroupNorm with one group, over channels and columns of each row.
  std::string group_norm(const std::string& value, const std::string& name, const Shape& shape) {
    const auto gamma = graph_.weights(name + ".weight", weights_.take(name + ".weight", {shape[1]}), {shape[1], 1});
    const auto beta = graph_.weights(name + ".bias", weights_.take(name + ".bias", {shape[1]}), {shape[1], 1});
    if (shape[0] > 1) {
      const auto target = graph_.numbers({shape[1], shape[2]});
      return graph_.node("LayerNormalization",
                         {value, graph_.node("Expand", {gamma, target}), graph_.node("Expand", {beta, target})},
                         Attributes().integer("axis", 1).real("epsilon", 1e-5f));
    }
    return norm_of_all(graph_, value, gamma, beta, shape);
  }

  Plane add_frequency_embedding(const Plane& in) {
    if (hyper_.freq_emb == 0) return in;
    const std::string name = "freq_emb.embedding.weight";
    const auto table = weights_.take(name, {in.rows, in.channels});
    std::vector<float> values(table.size());
    const auto rows = static_cast<std::size_t>(in.rows), channels = static_cast<std::size_t>(in.channels);
    // In the reference's order of roundings.
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < channels; ++c)
        values[c * rows + r] =
            static_cast<float>(hyper_.freq_emb) * (table[r * channels + c] * static_cast<float>(hyper_.emb_scale));
    Plane out = in;
    out.value = graph_.node("Add", {in.value, graph_.weights(name, std::move(values), {1, in.channels, in.rows, 1})});
    return out;
  }

  void transform(Plane& z, Plane& t) {
    if (options_.portable) {
      const auto [zs, ts] =
          write_transformer(graph_, weights_, hyper_, {z.value, z.rows, z.columns}, {t.value, 1, t.columns});
      z.value = zs, t.value = ts;
    } else {
      const int outside = z.channels, inside = hyper_.transformer_channels();
      resample(z, inside, "channel_upsampler");
      resample(t, inside, "channel_upsampler_t");
      const auto [zs, ts] =
          write_fused_transformer(graph_, weights_, hyper_, {z.value, z.rows, z.columns}, {t.value, 1, t.columns});
      z.value = zs, t.value = ts;
      resample(z, outside, "channel_downsampler");
      resample(t, outside, "channel_downsampler_t");
    }
    z.value = expose("crosstransformer.z", z);
    t.value = expose("crosstransformer.t", t);
  }

  // Another number of channels around the transformer, if it has its own.
  void resample(Plane& plane, int channels, const std::string& name) {
    if (!hyper_.bottom_channels) return;
    auto inputs = parameters(name, {channels, plane.channels, 1}, {channels, plane.channels, 1}, channels);
    inputs.insert(inputs.begin(), plane.value);
    Plane out{{}, channels, plane.rows, plane.columns};
    out.value = convolve(inputs, plane, {}, out, {});
    plane = out;
  }

  Plane decode(const Branch& branch, const Plane& in, const Plane& skip, int layer, int last_channels,
               std::int64_t length) {
    const std::string name = std::string(branch.prefix) + "decoder." + std::to_string(hyper_.depth - 1 - layer);
    Plane y = in;
    y.value = hyper_.rewrite ? rewrite(branch, in, name + ".rewrite", hyper_.context, skip.value)
                             : graph_.node("Add", {in.value, skip.value});
    if (hyper_.dconv_mode & 2) y.value = residual(branch, y, name + ".dconv");

    const int channels = layer == 0 ? last_channels : hyper_.channels_at(layer - 1);
    const int stride = hyper_.stride;
    Plane out{{}, channels, in.rows, in.columns};
    if (branch.spectral) {
      out.rows = in.rows * stride;
    } else {
      out.columns = length;
    }
    const std::string transposed = name + ".conv_tr";
    out.value = options_.portable ? transposed_convolution(branch, y, out, transposed, layer != 0)
                                  : spread_convolution(branch, y, out, transposed, layer != 0);
    out.value = expose(name, out);
    return out;
  }

  std::string transposed_convolution(const Branch& branch, const Plane& in, const Plane& out, const std::string& name,
                                     bool active) {
    const int kernel = hyper_.kernel_size, stride = hyper_.stride;
    const std::int64_t pad = kernel / 4;
    Attributes attributes;
    Shape shape{in.channels, out.channels, kernel}, graph_shape;
    if (branch.spectral) {
      shape.push_back(1);
      graph_shape = shape;
      attributes.integers("kernel_shape", {kernel, 1})
          .integers("strides", {stride, 1})
          .integers("pads", {pad, 0, pad, 0});
    } else {
      graph_shape = {in.channels, out.channels, 1, kernel};
      const std::int64_t over = (in.columns - 1) * stride + kernel - pad - out.columns;
      attributes.integers("kernel_shape", {1, kernel})
          .integers("strides", {1, stride})
          .integers("pads", {0, pad, 0, over});
    }
    auto inputs = parameters(name, shape, graph_shape, out.channels);
    inputs.insert(inputs.begin(), in.value);
    const auto value = graph_.node("ConvTranspose", inputs, attributes);
    return active ? graph_.node("Gelu", {value}) : value;
  }

  // The same as a convolution of width 2: with a kernel of twice the stride, an output is the sum of two inputs only.
  // Output j is made by input m = (j + pad) / stride with tap r = (j + pad) % stride, and by input m - 1 with tap r +
  // stride: so `stride` values are made of every pair, and then put side by side.
  std::string spread_convolution(const Branch& branch, const Plane& in, const Plane& out, const std::string& name,
                                 bool active) {
    const auto stride = static_cast<std::size_t>(hyper_.stride), kernel = 2 * stride;
    const auto from = static_cast<std::size_t>(in.channels), to = static_cast<std::size_t>(out.channels);
    Shape shape{in.channels, out.channels, hyper_.kernel_size};
    if (branch.spectral) shape.push_back(1);
    const auto weight = weights_.take(name + ".weight", shape);
    const auto bias = weights_.take(name + ".bias", {out.channels});
    std::vector<float> turned(weight.size()), biases(to * stride);
    for (std::size_t o = 0; o < to; ++o)
      for (std::size_t r = 0; r < stride; ++r) {
        biases[o * stride + r] = bias[o];
        for (std::size_t i = 0; i < from; ++i)
          for (std::size_t tap = 0; tap < 2; ++tap)
            turned[((o * stride + r) * from + i) * 2 + tap] = weight[(i * to + o) * kernel + (tap ? r : r + stride)];
      }
    const auto outputs = static_cast<std::int64_t>(to * stride);
    const bool rows = branch.spectral;
    const std::vector<std::string> inputs{
        in.value,
        graph_.weights(name + ".weight", std::move(turned), {outputs, in.channels, rows ? 2 : 1, rows ? 1 : 2}),
        graph_.weights(name + ".bias", std::move(biases), {outputs})};
    return convolve(inputs, in, rows ? Sampling{2, 1, 1, 1, 1, 0} : Sampling{1, 2, 1, 1, 0, 1}, out,
                    {.gelu = active,
                     .axis = rows ? 2 : 3,
                     .spread = hyper_.stride,
                     .crop = hyper_.kernel_size / 4,
                     .grid_rows = rows ? in.rows + 1 : 1,
                     .grid_columns = rows ? in.columns : in.columns + 1});
  }

  const Hyperparameters& hyper_;
  Weights weights_;
  const NetworkOptions& options_;
  GraphWriter graph_;
};

}  // namespace

std::map<std::string, std::vector<std::int64_t>> weights_of(const Hyperparameters& hyper) {
  const NetworkOptions options;
  return Builder(hyper, nullptr, options).asked();
}

Result<void> write_network(const Checkpoint& checkpoint, const NetworkOptions& options, int fd) {
  return Builder(checkpoint.hyper, &checkpoint.state, options).write(fd);
}

}  // namespace toll::engines::htdemucs
