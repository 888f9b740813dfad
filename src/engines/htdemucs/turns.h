// Model files of which one at a time is in memory: opening one takes half a second, holding it 200 MiB and more.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engines/htdemucs/model.h"
#include "engines/onnx/mapped_file.h"

namespace toll::engines::htdemucs {

// Not thread-safe.
class Turns {
 public:
  struct File {
    int fd;              // stays open, and its bytes as they are, as long as the turns
    std::string sha256;  // hex; looked at before the file is used for the first time; empty: not looked at
  };
  Turns(std::vector<File> files, onnx::SessionOptions options, Precision precision = Precision::fixed16);

  // The model in this file; it lives until another one is taken. Reason::model_unusable, argument why: other bytes than
  // announced, no model of HTDemucs, more memory than the limit.
  Result<Model*> take(std::size_t number);

 private:
  std::vector<File> files_;
  onnx::SessionOptions options_;
  Precision precision_;
  std::size_t taken_ = 0;
  std::optional<onnx::MappedFile> file_;
  std::optional<Model> model_;
};

}  // namespace toll::engines::htdemucs
