// What stands beside the model files of a version in the registry: which files they are, in the order of the bag, with
// which weights, and what they were made of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace toll::engines::htdemucs {

inline constexpr std::string_view bundle_file = "htdemucs.json";

// Of the published weights, in their author's words (facebookresearch/demucs, issue 327, 2022); MIT is the code alone.
inline constexpr std::string_view published_licence = "for scientific purposes only";

struct BundleModel {
  std::string file, sha256;           // of the version; hex
  std::string source, source_sha256;  // the checkpoint it was made of; hex
};

struct Bundle {
  std::string licence;                       // may be empty: not known
  std::vector<std::string> sources;          // in the models' order
  std::vector<BundleModel> models;           // 1 to 16
  std::vector<std::vector<double>> weights;  // one row a model, one column a source; empty: all 1

  // The SHA-256 of the weights, hex: the checkpoint's own, or of a bag that of its checkpoints' digests, a line each.
  std::string weights_digest() const;
};

std::string write_bundle(const Bundle& bundle);
// What write_bundle() wrote. Reason::model_unusable, argument why.
Result<Bundle> read_bundle(std::string_view text);

}  // namespace toll::engines::htdemucs
