// From a score to what the record says: the formulas of the media contract, section 7.
#pragma once

#include <vector>

#include "engines/forensics/plan.h"

namespace toll::engines::forensics {

// How a score is read: fake at or above `threshold`, inconclusive nearer to it than `margin`.
struct Rule {
  double threshold = 0.5;  // 0 < threshold < 1
  double margin = 0.1;
};

struct Judgement {
  Verdict verdict = Verdict::inconclusive;
  double score = 0;
  bool fake = false;        // false when inconclusive
  double confidence = 0.5;  // in what `fake` says: fake 0.5 + 0.5 (s - t) / (1 - t), real 0.5 + 0.5 (t - s) / t
};
Judgement judge(double score, const Rule& rule);

// 100 times the confidence that the picture is real: confidence when real, else 1 - confidence.
double real_percent(const Judgement& judgement);

// Of a film: fake if any participant is, else inconclusive if any is, else real; inconclusive without a face.
Verdict verdict_of_all(const std::vector<Judgement>& participants);

// 100 max(0, a . b), two decimals.
double similarity_percent(double dot_product);

// Evidence that does not exclude other evidence: 1 - product of (1 - weight * score) (noisy or; J. Pearl, 1988), lifted
// from `unsuspicious`, since the absence of traces proves nothing.
inline constexpr double unsuspicious = 0.25;
double combined(const std::vector<Signal>& signals);

// As results are written: 6 decimals, so that a number is the same text everywhere.
double rounded(double value, int decimals = 6);

}  // namespace toll::engines::forensics
