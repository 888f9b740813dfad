#include "engines/htdemucs/bundle.h"

#include <boost/json.hpp>

#include "base/digest.h"
#include "engines/onnx/refuse.h"

namespace toll::engines::htdemucs {
namespace {

namespace json = boost::json;

constexpr std::size_t most_models = 16;

bool is_digest(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string text_of(const json::object& object, std::string_view name) {
  return std::string(object.at(name).as_string());
}

// Throws for what is not there or of another type.
Bundle bundle_of(const json::object& object) {
  Bundle bundle;
  bundle.licence = text_of(object, "licence");
  for (const auto& source : object.at("sources").as_array()) bundle.sources.emplace_back(source.as_string());
  for (const auto& value : object.at("models").as_array()) {
    const auto& model = value.as_object();
    bundle.models.push_back(
        {text_of(model, "file"), text_of(model, "sha256"), text_of(model, "source"), text_of(model, "source_sha256")});
  }
  for (const auto& row : object.at("weights").as_array()) {
    auto& weights = bundle.weights.emplace_back();
    for (const auto& weight : row.as_array()) weights.push_back(weight.to_number<double>());
  }
  return bundle;
}

bool fits_together(const Bundle& bundle) {
  if (bundle.sources.empty() || bundle.models.empty() || bundle.models.size() > most_models) return false;
  for (const auto& model : bundle.models)
    if (!is_digest(model.sha256) || !is_digest(model.source_sha256)) return false;
  if (bundle.weights.empty()) return true;
  if (bundle.weights.size() != bundle.models.size()) return false;
  for (const auto& row : bundle.weights)
    if (row.size() != bundle.sources.size()) return false;
  return true;
}

}  // namespace

std::string Bundle::weights_digest() const {
  if (models.size() == 1) return models.front().source_sha256;
  std::string lines;
  for (const auto& model : models) lines += model.source_sha256 + "\n";
  return hex(sha256(lines));
}

std::string write_bundle(const Bundle& bundle) {
  json::array models, weights;
  for (const auto& model : bundle.models)
    models.push_back(json::object{{"file", model.file},
                                  {"sha256", model.sha256},
                                  {"source", model.source},
                                  {"source_sha256", model.source_sha256}});
  for (const auto& row : bundle.weights) weights.push_back(json::array(row.begin(), row.end()));
  return json::serialize(json::object{{"licence", bundle.licence},
                                      {"sources", json::array(bundle.sources.begin(), bundle.sources.end())},
                                      {"models", std::move(models)},
                                      {"weights", std::move(weights)}}) +
         "\n";
}

Result<Bundle> read_bundle(std::string_view text) try {
  auto bundle = bundle_of(json::parse(text).as_object());
  if (!fits_together(bundle)) return onnx::refuse("its description contradicts itself");
  return bundle;
} catch (const std::exception&) {
  return onnx::refuse("its description cannot be read");
}

}  // namespace toll::engines::htdemucs
