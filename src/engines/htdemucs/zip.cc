#include "engines/htdemucs/zip.h"

#include <algorithm>
#include <vector>

#include "engines/archive/zip_directory.h"
#include "engines/onnx/refuse.h"

namespace toll::engines::htdemucs {
namespace {

using onnx::refuse;
using Bytes = std::span<const std::byte>;

bool overlap(std::vector<Bytes> contents) {
  std::sort(contents.begin(), contents.end(), [](Bytes a, Bytes b) { return a.data() < b.data(); });
  for (std::size_t i = 1; i < contents.size(); ++i)
    if (contents[i - 1].data() + contents[i - 1].size() > contents[i].data()) return true;
  return false;
}

}  // namespace

Result<std::map<std::string, Bytes>> read_zip(Bytes archive) {
  auto directory = archive::ZipDirectory::find(archive);
  if (!directory) return refuse("this is not a checkpoint, or it is cut short");
  std::map<std::string, Bytes> entries;
  std::vector<Bytes> contents;
  while (auto entry = TOLL_TRY(directory->next())) {
    const auto content = TOLL_TRY(directory->packed(*entry));
    if (entry->method != archive::stored || content.size() != entry->size)
      return refuse("the archive is compressed, which checkpoints are not");
    if (!content.empty()) contents.push_back(content);
    if (!entries.emplace(std::move(entry->name), content).second) return refuse("the archive names an entry twice");
  }
  if (overlap(std::move(contents))) return refuse("entries of the archive overlap");
  return entries;
}

}  // namespace toll::engines::htdemucs
