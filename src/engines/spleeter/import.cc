#include "engines/spleeter/import.h"

#include "engines/onnx/mapped_file.h"
#include "engines/spleeter/package.h"

namespace toll::engines::spleeter {
namespace {

// The model of two stems that Deezer published in 2019, the same bytes in every package that carries it. "Spleeter
// source code and pre-trained models are [...] distributed under a MIT license" (Hennequin et al., JOSS 2020).
constexpr std::string_view published = "7747f9fd2c782306dbec1504360fbb645a097a48446f23486c3ff9c89bc11788";

}  // namespace

Result<Imported> import_package(const std::filesystem::path& path, int model_fd) {
  const auto files = TOLL_TRY(read_package(path));
  const auto checkpoint = TOLL_TRY(read_checkpoint(files.index, files.data));
  Imported imported{{}, files.name, onnx::file_digest(files.data), {}};
  if (auto written = write_network(checkpoint, {imported.shape, imported.source_sha256}, model_fd); !written)
    return std::move(written).error();
  const auto model = TOLL_TRY(onnx::MappedFile::open(model_fd));
  imported.model_sha256 = onnx::file_digest(model.bytes());
  return imported;
}

std::string_view licence_of(std::string_view source_sha256) {
  return source_sha256 == published ? "MIT" : "";
}

}  // namespace toll::engines::spleeter
