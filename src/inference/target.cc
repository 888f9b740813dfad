#include "inference/target.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/digest.h"

namespace toll::inference {

namespace {

Fault unusable(std::string why) {
  return Fault(Reason::model_unusable).with("why", std::move(why));
}

bool is_onnx(const models::ServedFile& file) {
  return file.rfilename.ends_with(".onnx");
}

Result<models::ServedFile> pick(const std::vector<models::ServedFile>& files, std::string_view name) {
  std::vector<models::ServedFile> candidates;
  std::ranges::copy_if(files, std::back_inserter(candidates), is_onnx);
  auto find = [&](std::string_view wanted) {
    return std::ranges::find(candidates, wanted, &models::ServedFile::rfilename);
  };
  if (!name.empty()) {
    const auto named = find(name);
    if (named == candidates.end()) return Reason::file_not_found;
    return *named;
  }
  if (candidates.empty()) return unusable("it has no *.onnx file");
  if (candidates.size() == 1) return candidates.front();
  for (std::string_view usual : {"model.onnx", "onnx/model.onnx"})
    if (const auto found = find(usual); found != candidates.end()) return *found;
  return unusable("it has several *.onnx files and none is called model.onnx: name one");
}

}  // namespace

std::string Target::file_sha256() const {
  return hex(file.digest);
}

std::string Target::label() const {
  return repo_id + (version.empty() ? "" : " " + version) + " (" + file.rfilename + ")";
}

Result<Target> target_of(models::Serving serving, std::string_view file) {
  if (serving.engine != engine_name) return unusable("its card does not name the engine onnx");
  auto picked = TOLL_TRY(pick(serving.files, file));
  return Target{std::move(serving.repo_id), std::move(serving.version), std::move(serving.digest), std::move(picked)};
}

}  // namespace toll::inference
