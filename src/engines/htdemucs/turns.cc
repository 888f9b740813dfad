#include "engines/htdemucs/turns.h"

#include "engines/onnx/refuse.h"

namespace toll::engines::htdemucs {

Turns::Turns(std::vector<File> files, onnx::SessionOptions options, Precision precision)
    : files_(std::move(files)), options_(std::move(options)), precision_(precision) {}

Result<Model*> Turns::take(std::size_t number) {
  if (model_ && taken_ == number) return &*model_;
  model_.reset();
  file_.reset();
  auto& wanted = files_.at(number);
  file_ = TOLL_TRY(onnx::MappedFile::open(wanted.fd));
  if (!wanted.sha256.empty() && onnx::file_digest(file_->bytes()) != wanted.sha256)
    return onnx::refuse("a model file is not the one that was announced (its SHA-256 differs)");
  wanted.sha256.clear();
  model_ = TOLL_TRY(Model::open(file_->bytes(), options_, precision_));
  taken_ = number;
  // The session has made its own arrangement of the weights.
  file_->drop_pages();
  return &*model_;
}

}  // namespace toll::engines::htdemucs
