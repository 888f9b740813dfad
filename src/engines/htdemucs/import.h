// From a published file to a model that can be stored and run: what `tollhouse models import htdemucs` calls.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engines/htdemucs/checkpoint.h"

namespace toll::engines::htdemucs {

struct Imported {
  Hyperparameters hyper;
  std::string source_sha256;  // of the checkpoint, hex; the model file's metadata holds it too
  std::string model_sha256;   // of the model file, hex: what a plan names
};

// Reads a checkpoint and writes the model to an empty, read-write file. Memory: the weights in single precision, beside
// the mapped checkpoint. `segment`: that of the bag, if the checkpoint is of one that names it (shorten()).
// Reason::model_unusable with the argument why (checkpoint.h, network.h); storage_full.
Result<Imported> import_checkpoint(int checkpoint_fd, int model_fd, std::optional<double> segment = {});

// The models that the authors publish (package demucs 4.1, demucs/remote). A file's name is its signature and the first
// eight digits of its SHA-256.
struct PublishedModel {
  std::string_view name;
  std::string_view licence;
  std::span<const std::string_view> files;  // in the order of the bag
  std::string_view bag;                     // its YAML, for read_bag(); empty for a single model
};
std::span<const PublishedModel> published_models();
inline constexpr std::string_view published_folder = "hybrid_transformer/";  // below the base URL

// Whether the name is one of a published file: a plain name that ends with eight digits of a SHA-256.
bool promises_digest(std::string_view file_name);
// Whether `sha256` (hex) is the one that the file's name promises; true for names that promise none.
bool name_fits_digest(std::string_view file_name, std::string_view sha256);

}  // namespace toll::engines::htdemucs
