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

}  // namespace

std::string Target::file_sha256() const {
  return hex(file.digest);
}

std::string Target::label() const {
  return repo_id + (version.empty() ? "" : " " + version) + " (" + file.rfilename + ")";
}

Result<std::string> file_of(const std::vector<std::string>& names, std::string_view file) {
  std::vector<std::string> candidates;
  std::ranges::copy_if(names, std::back_inserter(candidates), [](const auto& name) { return name.ends_with(ending); });
  auto there = [&](std::string_view wanted) { return std::ranges::find(candidates, wanted) != candidates.end(); };
  if (!file.empty()) return there(file) ? Result<std::string>(std::string(file)) : Reason::file_not_found;
  if (candidates.empty()) return unusable("it has no *.onnx file");
  if (candidates.size() == 1) return candidates.front();
  for (std::string_view usual : {"model.onnx", "onnx/model.onnx"})
    if (there(usual)) return std::string(usual);
  return unusable("it has several *.onnx files and none is called model.onnx: name one");
}

Result<Target> target_of(const models::Serving& serving, std::string_view file) {
  if (serving.engine != engine_name) return unusable("its card does not name the engine onnx");
  std::vector<std::string> names;
  for (const auto& one : serving.files) names.push_back(one.rfilename);
  const auto name = TOLL_TRY(file_of(names, file));
  return Target{serving.repo_id, serving.version, serving.digest,
                *std::ranges::find(serving.files, name, &models::ServedFile::rfilename)};
}

}  // namespace toll::inference
