// How the server and its models are described.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "inference/target.h"
#include "inference/tensor.h"
#include "json/schema.h"
#include "metering/credits.h"

namespace toll::open_inference {

struct ServerView {
  std::string name, version;
  std::vector<std::string> extensions;
};

struct TensorView {
  std::string name, datatype;
  std::vector<std::int64_t> shape;
};

// Credits on the wire: a number with as many digits as they have.
struct Price {
  metering::Credits credits;
};

struct ModelView {
  std::string name;
  std::vector<std::string> versions;
  std::string platform;
  std::vector<TensorView> inputs, outputs;
  std::string digest, file, file_sha256;
  Price credits;
};

struct ReadyView {
  std::string name;
  bool ready = false;
};

struct LiveView {
  bool live = false;
};

struct ServerReadyView {
  bool ready = false;
};

struct IndexRow {
  std::string name, version, state, reason;
};

std::vector<TensorView> view(const std::vector<inference::TensorInfo>& tensors);

}  // namespace toll::open_inference

namespace toll::json {

template <>
struct Codec<open_inference::Price> {
  static void write(std::string& out, const open_inference::Price& v, bool) { out += metering::to_text(v.credits); }
  static Object schema(const Rules&, Definitions&) { return {{"type", "number"}}; }
};

template <>
struct Schema<open_inference::ServerView> {
  using V = open_inference::ServerView;
  static constexpr std::string_view name = "InferenceServer";
  static constexpr auto fields =
      std::tuple{field(&V::name, "name", "tollhouse."), field(&V::version, "version", "Of the server."),
                 field(&V::extensions, "extensions", "Of the protocol, that this server speaks.")};
};

template <>
struct Schema<open_inference::TensorView> {
  using V = open_inference::TensorView;
  static constexpr std::string_view name = "InferenceTensor";
  static constexpr auto fields =
      std::tuple{field(&V::name, "name", "Its name in the model."), field(&V::datatype, "datatype", "FP32, INT64, ..."),
                 field(&V::shape, "shape", "Extents; -1 takes any.")};
};

template <>
struct Schema<open_inference::ModelView> {
  using V = open_inference::ModelView;
  static constexpr std::string_view name = "InferenceModel";
  static constexpr auto fields =
      std::tuple{field(&V::name, "name", "The model's id."),
                 field(&V::versions, "versions", "The version that serves; empty for files without one."),
                 field(&V::platform, "platform", "onnxruntime_onnx."),
                 field(&V::inputs, "inputs", "What a call brings."),
                 field(&V::outputs, "outputs", "What a call gets."),
                 field(&V::digest, "digest", "SHA-256 over the names and digests of the version's files."),
                 field(&V::file, "file", "The ONNX file that runs."),
                 field(&V::file_sha256, "file_sha256", "Its SHA-256."),
                 field(&V::credits, "credits", "What one call costs.")};
};

template <>
struct Schema<open_inference::ReadyView> {
  using V = open_inference::ReadyView;
  static constexpr std::string_view name = "InferenceModelReady";
  static constexpr auto fields = std::tuple{field(&V::name, "name", "The model's id."),
                                            field(&V::ready, "ready", "Whether a call would be taken.")};
};

template <>
struct Schema<open_inference::LiveView> {
  using V = open_inference::LiveView;
  static constexpr std::string_view name = "InferenceLive";
  static constexpr auto fields = std::tuple{field(&V::live, "live", "Whether the server answers.")};
};

template <>
struct Schema<open_inference::ServerReadyView> {
  using V = open_inference::ServerReadyView;
  static constexpr std::string_view name = "InferenceReady";
  static constexpr auto fields = std::tuple{field(&V::ready, "ready", "Whether models can be run.")};
};

template <>
struct Schema<open_inference::IndexRow> {
  using V = open_inference::IndexRow;
  static constexpr std::string_view name = "InferenceIndexRow";
  static constexpr auto fields =
      std::tuple{field(&V::name, "name", "The model's id."), field(&V::version, "version", "The version that serves."),
                 field(&V::state, "state", "READY or UNAVAILABLE."),
                 field(&V::reason, "reason", "Why it is unavailable; else empty.")};
};

}  // namespace toll::json
