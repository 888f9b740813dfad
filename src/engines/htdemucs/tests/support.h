// Checkpoints made byte by byte, and networks of random weights.
#pragma once

#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "engines/htdemucs/network.h"
#include "engines/onnx/tests/support.h"

namespace toll::engines::htdemucs::testing {

using onnx::testing::MemoryFile;

inline std::span<const std::byte> bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

template <class T>
std::string little(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// A zip archive of stored entries.
inline std::string zip(const std::vector<std::pair<std::string, std::string>>& entries, std::uint16_t method = 0) {
  std::string out, directory;
  for (const auto& [name, content] : entries) {
    const auto size = static_cast<std::uint32_t>(content.size());
    const std::string common = little<std::uint16_t>(0) + little(method) + little<std::uint32_t>(0) +
                               little<std::uint32_t>(0) + little(size) + little(size) +
                               little(static_cast<std::uint16_t>(name.size())) + little<std::uint16_t>(0);
    directory += "PK\x01\x02" + little<std::uint16_t>(20) + little<std::uint16_t>(20) + common +
                 little<std::uint16_t>(0) + little<std::uint16_t>(0) + little<std::uint16_t>(0) +
                 little<std::uint32_t>(0) + little(static_cast<std::uint32_t>(out.size())) + name;
    out += "PK\x03\x04" + little<std::uint16_t>(20) + common + name + content;
  }
  const auto count = static_cast<std::uint16_t>(entries.size());
  return out + directory + "PK\x05\x06" + std::string(4, '\0') + little(count) + little(count) +
         little(static_cast<std::uint32_t>(directory.size())) + little(static_cast<std::uint32_t>(out.size())) +
         std::string(2, '\0');
}

// Pickle's protocol 2, operation by operation.
inline std::string text(const std::string& value) {
  return "X" + little(static_cast<std::uint32_t>(value.size())) + value;
}
inline std::string integer(std::int32_t value) {
  return "J" + little(value);
}
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string pickled(const std::string& operations) {
  return "\x80\x02" + operations + ".";
}

// The smallest network there is.
inline Hyperparameters tiny() {
  Hyperparameters hyper;
  hyper.sources = {"drums", "bass"};
  hyper.channels = 4;
  hyper.nfft = 512;
  hyper.depth = 2;
  hyper.dconv_comp = 2;
  hyper.dconv_mode = 3;
  hyper.bottom_channels = 8;
  hyper.t_layers = 2;
  hyper.t_heads = 2;
  hyper.segment_frames = 4410;
  return hyper;
}

// Random weights of that network. Owns the bytes.
class RandomCheckpoint {
 public:
  explicit RandomCheckpoint(const Hyperparameters& hyper, unsigned seed = 1) {
    checkpoint.hyper = hyper;
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> weights(-0.3f, 0.3f);
    for (const auto& [name, shape] : weights_of(hyper)) {
      auto& values = values_[name];
      values.resize(static_cast<std::size_t>(element_count(shape)));
      for (float& value : values) value = weights(random);
      checkpoint.state[name] = {StoredTensor::Type::float32, shape, dense_strides(shape),
                                std::as_bytes(std::span(values))};
    }
  }
  std::vector<float>& values(const std::string& name) { return values_.at(name); }
  Checkpoint checkpoint;

 private:
  std::map<std::string, std::vector<float>> values_;
};

// data.pkl of a checkpoint in torch.save's way, with the tensors' bytes as data/<n>.
inline std::string torch_file(const Checkpoint& checkpoint, const std::string& klass_module = "demucs.htdemucs",
                              const std::string& extra = {}) {
  std::vector<std::pair<std::string, std::string>> entries{{"m/data.pkl", ""}};
  std::string state = "}(";
  int number = 0;
  for (const auto& [name, tensor] : checkpoint.state) {
    const auto key = std::to_string(number++);
    const auto count = static_cast<std::int32_t>(element_count(tensor.shape));
    std::string shape = "(", strides = "(";
    for (auto extent : tensor.shape) shape += integer(static_cast<std::int32_t>(extent));
    for (auto stride : tensor.strides) strides += integer(static_cast<std::int32_t>(stride));
    state += text(name) + global("torch._utils", "_rebuild_tensor_v2") + "((" + text("storage") +
             global("torch", "FloatStorage") + text(key) + text("cpu") + integer(count) + "tQ" + integer(0) + shape +
             "t" + strides + "t\x89" + global("collections", "OrderedDict") + ")RtR";
    entries.emplace_back("m/data/" + key,
                         std::string(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()));
  }
  state += "u";
  const auto& h = checkpoint.hyper;
  std::string sources = "](";
  for (const auto& source : h.sources) sources += text(source);
  std::string kwargs = "}(" + text("sources") + sources + "e";
  const auto number_member = [&](const char* name, std::int32_t value) { kwargs += text(name) + integer(value); };
  number_member("channels", h.channels), number_member("nfft", h.nfft), number_member("depth", h.depth);
  number_member("dconv_comp", static_cast<std::int32_t>(h.dconv_comp)), number_member("dconv_mode", h.dconv_mode);
  number_member("bottom_channels", h.bottom_channels), number_member("t_layers", h.t_layers);
  number_member("t_heads", h.t_heads);
  kwargs += text("segment") + global("fractions", "Fraction") + "(" +
            text(std::to_string(h.segment_frames) + "/" + std::to_string(h.samplerate)) + "tRu";
  entries[0].second = pickled("}(" + text("klass") + global(klass_module, "HTDemucs") + text("args") + ")" +
                              text("kwargs") + kwargs + text("state") + state + extra + "u");
  return zip(entries);
}

}  // namespace toll::engines::htdemucs::testing
