#include "engines/forensics/manifest.h"

#include <boost/json.hpp>

#include "engines/forensics/fields.h"
#include "engines/onnx/onnx_engine.h"

namespace toll::engines::forensics {
namespace json = boost::json;
namespace {

Fault refuse(const std::string& why) {
  return Fault(Reason::model_unusable).with("why", "media.json: " + why).because(why);
}

// One of two words.
bool second_of(const Fields& fields, std::string_view name, std::string_view first, std::string_view second) {
  const auto word = fields.text(name, first);
  if (word != first && word != second)
    throw Misfit(std::string(name) + " is neither " + std::string(first) + " nor " + std::string(second));
  return word == second;
}

std::array<double, 3> channels(const Fields& fields, std::string_view name, double least, double fallback) {
  std::array<double, 3> out{fallback, fallback, fallback};
  if (!fields.find(name)) return out;
  const auto& values = fields.array(name);
  if (values.size() != out.size()) throw Misfit(std::string(name) + " has not three numbers");
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!values[i].is_number()) throw Misfit(std::string(name) + " has not three numbers");
    out[i] = values[i].to_number<double>();
    if (!(out[i] >= least && out[i] <= 1000)) throw Misfit(std::string(name) + " is out of bounds");
  }
  return out;
}

void read_input(const Fields& fields, Manifest& manifest) {
  manifest.input_name = fields.text("name");
  const auto& size = fields.array("size");
  if (size.size() != 2) throw Misfit("size is not [height, width]");
  for (const auto& extent : size)
    if (!extent.is_int64() || extent.get_int64() < 16 || extent.get_int64() > 2048)
      throw Misfit("size is out of bounds: 16 to 2048");
  manifest.height = static_cast<int>(size[0].get_int64());
  manifest.width = static_cast<int>(size[1].get_int64());
  manifest.layout = second_of(fields, "layout", "NCHW", "NHWC") ? Manifest::Layout::nhwc : Manifest::Layout::nchw;
  manifest.color = second_of(fields, "color", "RGB", "BGR") ? Manifest::Color::bgr : Manifest::Color::rgb;
  manifest.mean = channels(fields, "mean", -1000, 0);
  manifest.std = channels(fields, "std", 1e-6, 1);
  const bool whole = manifest.task == Role::ac1 || manifest.task == Role::fd1;
  if (fields.find("crop"))
    manifest.crop = second_of(fields, "crop", "image", "face") ? Manifest::Crop::face : Manifest::Crop::image;
  else
    manifest.crop = whole ? Manifest::Crop::image : Manifest::Crop::face;
  if (whole && manifest.crop == Manifest::Crop::face) throw Misfit("this task looks at the whole image");
  manifest.face_margin = fields.number("margin", 0, 2, manifest.face_margin);
}

void read_output(const Fields& fields, Manifest& manifest) {
  manifest.output_name = fields.text("name");
  const auto kind = fields.text("kind");
  if (kind != "logit" && kind != "probability" && kind != "embedding")
    throw Misfit("kind is none of logit, probability, embedding");
  manifest.kind = kind == "logit"         ? Manifest::Kind::logit
                  : kind == "probability" ? Manifest::Kind::probability
                                          : Manifest::Kind::embedding;
  if ((manifest.kind == Manifest::Kind::embedding) != (manifest.task == Role::fe1))
    throw Misfit("an embedding is what FE-1 makes, and FE-1 makes nothing else");
  manifest.fake_index = static_cast<int>(fields.integer("fakeIndex", 0, 999, 0));
}

Manifest read_manifest(std::string_view text) {
  const auto object = Fields::parse(text);
  const Fields fields(object);
  Manifest manifest;
  const auto task = role_of(fields.text("task"));
  if (!task) throw Misfit("task is none of DF-1, AC-1, FD-1, FE-1, FI-1.liveness");
  manifest.task = *task;
  read_input(fields.object("input"), manifest);
  read_output(fields.object("output"), manifest);
  manifest.threshold = fields.number("threshold", 1e-6, 1 - 1e-6, manifest.threshold);
  manifest.margin = fields.number("margin", 0, 0.5, manifest.margin);
  manifest.calibrated = fields.boolean("calibrated", false);
  return manifest;
}

std::string_view word(Manifest::Kind kind) {
  if (kind == Manifest::Kind::logit) return "logit";
  return kind == Manifest::Kind::probability ? "probability" : "embedding";
}

bool fits(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& wanted) {
  if (shape.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] >= 0 && shape[i] != wanted[i]) return false;
  return true;
}

const onnx::TensorInfo* named(const std::vector<onnx::TensorInfo>& tensors, std::string_view name) {
  for (const auto& tensor : tensors)
    if (tensor.name == name) return &tensor;
  return nullptr;
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text) try {
  return read_manifest(text);
} catch (const Misfit& misfit) {
  return refuse(misfit.what());
}

std::string write_manifest(const Manifest& manifest) {
  return json::serialize(json::object{
      {"task", name_of(manifest.task)},
      {"input", json::object{{"name", manifest.input_name},
                             {"size", json::array{manifest.height, manifest.width}},
                             {"layout", manifest.layout == Manifest::Layout::nchw ? "NCHW" : "NHWC"},
                             {"mean", json::array(manifest.mean.begin(), manifest.mean.end())},
                             {"std", json::array(manifest.std.begin(), manifest.std.end())},
                             {"color", manifest.color == Manifest::Color::rgb ? "RGB" : "BGR"},
                             {"crop", manifest.crop == Manifest::Crop::face ? "face" : "image"},
                             {"margin", manifest.face_margin}}},
      {"output",
       json::object{{"name", manifest.output_name}, {"kind", word(manifest.kind)}, {"fakeIndex", manifest.fake_index}}},
      {"threshold", manifest.threshold},
      {"margin", manifest.margin},
      {"calibrated", manifest.calibrated}});
}

Result<void> check_model(const Manifest& manifest, std::string_view described) {
  const auto schema = TOLL_TRY(onnx::parse_schema(described));
  const auto* input = named(schema.inputs, manifest.input_name);
  if (!input || schema.inputs.size() != 1) return refuse("the model has not the one input " + manifest.input_name);
  const bool nchw = manifest.layout == Manifest::Layout::nchw;
  const std::vector<std::int64_t> wanted = nchw ? std::vector<std::int64_t>{1, 3, manifest.height, manifest.width}
                                                : std::vector<std::int64_t>{1, manifest.height, manifest.width, 3};
  if (input->type != onnx::ElementType::float32 || !fits(input->shape, wanted))
    return refuse("the input is not of the size, layout and type that are named");
  const auto* output = named(schema.outputs, manifest.output_name);
  if (!output || output->type != onnx::ElementType::float32)
    return refuse("the model has no output " + manifest.output_name + " of float32");
  if (output->shape.empty() || output->shape.size() > 4) return refuse("the output is no list of numbers");
  const auto width = output->shape.back();
  if (manifest.kind == Manifest::Kind::embedding && width != embedding_width) return refuse("an embedding is 512 wide");
  if (manifest.kind != Manifest::Kind::embedding && width >= 0 && width <= manifest.fake_index)
    return refuse("fakeIndex lies outside of the output");
  return {};
}

}  // namespace toll::engines::forensics
