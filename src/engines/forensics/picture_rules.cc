#include "engines/forensics/picture_rules.h"

#include <algorithm>

#include "engines/forensics/block_grid.h"
#include "engines/forensics/double_compression.h"
#include "engines/forensics/error_level.h"
#include "engines/forensics/noise.h"
#include "engines/forensics/scoring.h"
#include "engines/forensics/spectrum.h"

namespace toll::engines::forensics {

const std::string_view disclaimer =
    "These are general rules of image forensics, not a trained deepfake detector: the score is not calibrated and no "
    "accuracy is claimed. Editing, filters and repeated saving leave the same traces as forgery, and a careful forgery "
    "may leave none.";

namespace {

constexpr int smallest_side = 256;
constexpr std::size_t most_regions = 8;

// The tables of a file against what it says of itself: H. Farid, "Digital image ballistics from JPEG quantization",
// Dartmouth TR2008-638. Cameras bring tables of their own; libjpeg's are those of software.
double table_mismatch(const FileFacts& facts) {
  if (!facts.luminance) return 0;
  const bool softwares = ijg_quality(*facts.luminance).has_value();
  return softwares && !facts.make.empty() ? 1 : 0;
}

// Content credentials and other words of the file about its origin.
double declared(const FileFacts& facts) {
  if (facts.declares_generated || !facts.generator.empty()) return 1;
  return 0;
}

// Puts the heat of cells of another size over `heat`, the higher value wins.
void put_over(Grid& heat, const Grid& other, double weight) {
  if (other.values.empty()) return;
  for (int row = 0; row < heat.rows; ++row)
    for (int column = 0; column < heat.columns; ++column) {
      const int from_column = std::min(column * heat.cell / other.cell, other.columns - 1);
      const int from_row = std::min(row * heat.cell / other.cell, other.rows - 1);
      auto& value = heat.at(column, row);
      value = std::max(value, static_cast<float>(weight) * other.at(from_column, from_row));
    }
}

class Examination {
 public:
  explicit Examination(const Luma& luma) {
    out.heat = Grid::over(luma.width, luma.height, cell_size(luma.width, luma.height));
  }
  PictureFindings out;

  void add(std::string name, double score, double weight, std::string meaning) {
    out.signals.push_back({std::move(name), rounded(score), weight, std::move(meaning)});
  }
  void add(std::string name, const Outliers& found, double weight, std::string meaning) {
    add(std::move(name), found.score, weight, std::move(meaning));
    put_over(out.heat, found.heat, found.score);
    out.regions.insert(out.regions.end(), found.regions.begin(), found.regions.end());
  }
};

void examine_compression(const Luma& luma, const FileFacts& facts, Examination& into) {
  into.add("quantisation_tables", table_mismatch(facts), 0.2,
           "The file names a camera, but was compressed with the tables of common software.");
  const auto twice = facts.luminance ? double_compression(luma, *facts.luminance) : DoubleCompression{};
  into.add("double_compression", twice.score, 0.15, "The picture was compressed more than once, so it was saved anew.");
  into.add("partial_double_compression", twice.unmatched, 0.7,
           "A part of the picture was compressed less often than the rest.");
  const auto grid = block_grid(luma);
  into.add("block_grid", grid.shifted, 0.6, "A part of the picture has a compression grid of its own.");
  into.add("error_level", error_level_inconsistency(luma), 0.55,
           "A part of the picture would change more or less than the rest if it were compressed again.");
}

}  // namespace

PictureFindings examine(const Luma& luma, const FileFacts& facts) {
  Examination all(luma);
  all.add("declared_generated", declared(facts), 0.95,
          "The file itself says, in content credentials or metadata, that a generator made it.");
  all.add("editing_software", facts.editor.empty() ? 0 : 1, 0.1, "The metadata names an image editor.");
  examine_compression(luma, facts, all);
  all.add("noise_inconsistency", noise_inconsistency(luma), 0.35, "A part of the picture has another level of noise.");
  const auto spectrum = spectrum_of(luma);
  all.add("spectral_peaks", spectrum.peak_score, 0.5,
          "The frequencies have the regular peaks that upsampling leaves, in generators and resizers alike.");
  all.add("spectral_tail", std::max(ramp(spectrum.tail, 0.5, 3), ramp(-spectrum.tail, 9, 14)), 0.3,
          "The highest frequencies are much stronger or weaker than lenses and sensors leave them.");
  all.add("content_credentials", 0, 0,
          facts.credentials_signed ? "Signed content credentials (C2PA) are there; the signature was not verified."
          : facts.credentials      ? "Content credentials (C2PA) are there, without a signature."
                                   : "There are no content credentials (C2PA), as in most files.");
  auto out = std::move(all.out);
  std::ranges::stable_sort(out.regions, std::ranges::greater(), &Region::score);
  out.regions.resize(std::min(out.regions.size(), most_regions));
  if (facts.credentials) out.warnings.push_back("CREDENTIALS_NOT_VERIFIED");
  if (std::min(luma.width, luma.height) < smallest_side) out.warnings.push_back("LOW_RESOLUTION");
  return out;
}

}  // namespace toll::engines::forensics
