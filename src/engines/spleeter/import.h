// From the published files to a model that can be stored and run: what `tollhouse models import spleeter` calls.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engines/spleeter/network.h"

namespace toll::engines::spleeter {

// What stands beside the model in a version of the registry, in the format of engines/htdemucs/bundle.h.
inline constexpr std::string_view bundle_file = "spleeter.json";
inline constexpr std::string_view model_file = "spleeter.onnx";

struct Imported {
  Shape shape;
  std::string source;         // the data file of the checkpoint: its name
  std::string source_sha256;  // and its digest, hex; the model file's metadata holds it too
  std::string model_sha256;   // of the model file, hex: what a plan names
};

// Reads what is published (package.h) and writes the model to an empty, read-write file. Memory: three times the
// weights (80 MB for the published ones). Faults: not_found; model_unusable with the argument why (package.h,
// checkpoint.h, network.h); storage_full.
Result<Imported> import_package(const std::filesystem::path& path, int model_fd);

// The licence under which weights of this digest (hex) are published; empty: they are not known.
std::string_view licence_of(std::string_view source_sha256);

}  // namespace toll::engines::spleeter
