// The built-in judgement of a picture: every measurement of this folder, each with its weight and what it means.
#pragma once

#include <vector>

#include "engines/forensics/file_facts.h"
#include "engines/forensics/grid.h"
#include "engines/forensics/plan.h"

namespace toll::engines::forensics {

inline constexpr std::string_view builtin_model = "tollhouse/builtin-forensic", builtin_version = "1";
extern const std::string_view disclaimer;

struct PictureFindings {
  std::vector<Signal> signals;
  std::vector<std::string> warnings;  // "LOW_RESOLUTION", "CREDENTIALS_NOT_VERIFIED"
  Grid heat;                          // 0..1, cells of the stored picture
  std::vector<Region> regions;        // of the stored picture that stand out, the most conspicuous first; at most 8
};

// `luma` is Reader::stored_luma(). Deterministic.
PictureFindings examine(const Luma& luma, const FileFacts& facts);

}  // namespace toll::engines::forensics
