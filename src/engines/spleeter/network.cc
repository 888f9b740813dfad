#include "engines/spleeter/network.h"

#include <boost/json.hpp>

#include "engines/onnx/graph_writer.h"
#include "engines/onnx/refuse.h"
#include "engines/spleeter/weights.h"

namespace toll::engines::spleeter {
namespace {

namespace json = boost::json;
using onnx::Attributes;
using onnx::GraphWriter;

constexpr std::size_t depth = 6, sources = 2;
constexpr std::int64_t kernel = 5, stereo = 2, most_filters = 4096, step = 64;  // 2^depth
constexpr float leak = 0.2f, epsilon = 1e-3f;

// The layers of one kind are numbered through all networks, the first without a number (Keras).
std::string numbered(const std::string& kind, std::size_t number) {
  return number ? kind + "_" + std::to_string(number) : kind;
}

// TensorFlow's order rows x columns x a x b -> b x a x rows x columns, which is ONNX's of both kinds of convolution.
std::vector<float> turned(const std::vector<float>& weight, std::size_t taps, std::size_t a, std::size_t b) {
  std::vector<float> out(weight.size());
  for (std::size_t tap = 0; tap < taps; ++tap)
    for (std::size_t i = 0; i < a; ++i)
      for (std::size_t o = 0; o < b; ++o) out[(o * a + i) * taps + tap] = weight[(tap * a + i) * b + o];
  return out;
}

struct Plane {
  std::string value;
  std::int64_t channels;
};

class Builder {
 public:
  Builder(const Checkpoint* checkpoint, std::vector<std::int64_t> filters, const NetworkOptions& options)
      : weights_(checkpoint), filters_(std::move(filters)), options_(options) {}

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
    const auto& shape = options_.shape;
    const onnx::Shape extents{1, stereo, shape.frames, shape.bins};
    graph_.input("magnitude", extents);
    for (std::size_t source = 0; source < sources; ++source) {
      network(source);
      graph_.output(shape.sources[source], extents);
    }
    graph_.metadata(std::string(shape_key), write_shape(shape));
    if (!options_.source_digest.empty()) graph_.metadata(std::string(source_digest_key), options_.source_digest);
  }

  void network(std::size_t source) {
    const auto convolution_of = [&](std::size_t i) { return numbered("conv2d", source * (depth + 1) + i); };
    const auto transposed_of = [&](std::size_t i) { return numbered("conv2d_transpose", source * depth + i); };
    const auto normal_of = [&](std::size_t i) { return numbered("batch_normalization", source * 2 * depth + i); };
    std::vector<Plane> down;
    Plane x{"magnitude", stereo};
    for (std::size_t i = 0; i < depth; ++i) {
      down.push_back(convolution(x, filters_[i], convolution_of(i)));
      // What comes after the last one is trained and stored, and leads nowhere.
      x = normalised(down.back(), normal_of(i));
      x.value = graph_.node("LeakyRelu", {x.value}, Attributes().real("alpha", leak));
    }
    x = down.back();
    for (std::size_t i = 0; i < depth; ++i) {
      const bool last = i + 1 == depth;
      x = transposed(x, last ? 1 : filters_[depth - 2 - i], transposed_of(i));
      x = normalised({graph_.node("Relu", {x.value}), x.channels}, normal_of(depth + i));
      if (!last) x = beside(down[depth - 2 - i], x);
    }
    const auto logits = dilated(x, convolution_of(depth));
    graph_.node("Sigmoid", {logits}, {}, options_.shape.sources[source]);
  }

  // With the padding of TensorFlow's "same" for even extents: one before, two after.
  Plane convolution(const Plane& in, std::int64_t filters, const std::string& name) {
    return {graph_.node("Conv", with_weights(in, filters, kernel, name, false),
                        Attributes()
                            .integers("kernel_shape", {kernel, kernel})
                            .integers("strides", {2, 2})
                            .integers("pads", {1, 1, 2, 2})),
            filters};
  }
  Plane transposed(const Plane& in, std::int64_t filters, const std::string& name) {
    return {graph_.node("ConvTranspose", with_weights(in, filters, kernel, name, true),
                        Attributes()
                            .integers("kernel_shape", {kernel, kernel})
                            .integers("strides", {2, 2})
                            .integers("pads", {1, 1, 2, 2})),
            filters};
  }
  // The last layer: four taps each way, every second value.
  std::string dilated(const Plane& in, const std::string& name) {
    return graph_.node(
        "Conv", with_weights(in, stereo, 4, name, false),
        Attributes().integers("kernel_shape", {4, 4}).integers("dilations", {2, 2}).integers("pads", {3, 3, 3, 3}));
  }

  std::vector<std::string> with_weights(const Plane& in, std::int64_t out, std::int64_t width, const std::string& name,
                                        bool transposed) {
    const auto a = transposed ? out : in.channels, b = transposed ? in.channels : out;
    const auto values = weights_.take(name + "/kernel", {width, width, a, b});
    auto weight = turned(values, static_cast<std::size_t>(width * width), static_cast<std::size_t>(a),
                         static_cast<std::size_t>(b));
    return {in.value, graph_.weights(name + "/kernel", std::move(weight), {b, a, width, width}),
            graph_.weights(name + "/bias", weights_.take(name + "/bias", {out}), {out})};
  }

  Plane normalised(const Plane& in, const std::string& name) {
    std::vector<std::string> inputs{in.value};
    for (const char* part : {"/gamma", "/beta", "/moving_mean", "/moving_variance"})
      inputs.push_back(graph_.weights(name + part, weights_.take(name + part, {in.channels}), {in.channels}));
    return {graph_.node("BatchNormalization", inputs, Attributes().real("epsilon", epsilon)), in.channels};
  }
  Plane beside(const Plane& first, const Plane& second) {
    return {graph_.node("Concat", {first.value, second.value}, Attributes().integer("axis", 1)),
            first.channels + second.channels};
  }

  Weights weights_;
  std::vector<std::int64_t> filters_;
  const NetworkOptions& options_;
  GraphWriter graph_;
};

// How many filters the convolutions of the first network have.
Result<std::vector<std::int64_t>> filters_of(const Checkpoint& checkpoint) {
  std::vector<std::int64_t> filters;
  for (std::size_t i = 0; i < depth; ++i) {
    const auto name = numbered("conv2d", i) + "/bias";
    const auto found = checkpoint.find(name);
    if (found == checkpoint.end()) return onnx::refuse("this is no checkpoint of Spleeter: " + name + " is missing");
    const auto& shape = found->second.shape;
    if (shape.size() != 1 || shape[0] < 1 || shape[0] > most_filters)
      return onnx::refuse("this is no checkpoint of Spleeter: " + name + " has another shape");
    filters.push_back(shape[0]);
  }
  return filters;
}

Result<void> check_sources(const Checkpoint& checkpoint) {
  std::size_t networks = 0;
  while (checkpoint.contains(numbered("conv2d_transpose", networks * depth) + "/bias")) ++networks;
  if (networks == sources) return {};
  return onnx::refuse("the checkpoint is of " + std::to_string(networks) +
                      " sources; only the model of two, vocals and accompaniment, can be imported");
}

}  // namespace

std::string write_shape(const Shape& shape) {
  return json::serialize(json::object{{"sources", json::array(shape.sources.begin(), shape.sources.end())},
                                      {"frames", shape.frames},
                                      {"bins", shape.bins}});
}

Result<Shape> read_shape(std::string_view text) try {
  const auto object = json::parse(text).as_object();
  Shape shape{{}, object.at("frames").as_int64(), object.at("bins").as_int64()};
  for (const auto& source : object.at("sources").as_array()) shape.sources.emplace_back(source.as_string());
  const auto fits = [](std::int64_t extent) { return extent > 0 && extent <= 2048 && extent % step == 0; };
  if (shape.sources.size() != sources || !fits(shape.frames) || !fits(shape.bins))
    return onnx::refuse("the model's description contradicts itself");
  return shape;
} catch (const std::exception&) {
  return onnx::refuse("the model's description cannot be read");
}

std::map<std::string, std::vector<std::int64_t>> variables_of(const std::vector<std::int64_t>& filters) {
  const NetworkOptions options;
  return Builder(nullptr, filters, options).asked();
}

Result<void> write_network(const Checkpoint& checkpoint, const NetworkOptions& options, int fd) {
  auto filters = TOLL_TRY(filters_of(checkpoint));
  if (auto fine = check_sources(checkpoint); !fine) return fine;
  return Builder(&checkpoint, std::move(filters), options).write(fd);
}

}  // namespace toll::engines::spleeter
