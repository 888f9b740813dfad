#include "engines/separation/trained_spleeter.h"

#include <algorithm>

#include "engines/onnx/refuse.h"

namespace toll::engines::separation {

Result<SpleeterFile> open_spleeter(const Plan& plan, int file) {
  const auto& wanted = *plan.models;
  auto mapped = TOLL_TRY(onnx::MappedFile::open(file));
  if (onnx::file_digest(mapped.bytes()) != wanted.sha256.front())
    return onnx::refuse("a model file is not the one that was announced (its SHA-256 differs)");
  const onnx::SessionOptions options{.threads = wanted.threads,
                                     .memory_limit = static_cast<std::uint64_t>(wanted.memory_mib) << 20};
  auto model = TOLL_TRY(spleeter::Model::open(mapped.bytes(), options));
  auto sources = model.shape().sources, stems = plan.stems;
  std::ranges::sort(sources);
  std::ranges::sort(stems);
  if (sources != stems) return onnx::refuse("the model has other stems");
  return SpleeterFile{std::move(mapped), std::move(model)};
}

}  // namespace toll::engines::separation
