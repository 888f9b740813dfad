#include "engines/forensics/scoring.h"

#include <algorithm>
#include <cmath>

namespace toll::engines::forensics {

Judgement judge(double score, const Rule& rule) {
  const double s = rounded(std::clamp(score, 0.0, 1.0)), t = rule.threshold;
  Judgement out{.verdict = Verdict::inconclusive, .score = s};
  if (std::abs(s - t) < rule.margin - 1e-9) return out;
  out.fake = s >= t;
  out.verdict = out.fake ? Verdict::fake : Verdict::real;
  out.confidence = rounded(0.5 + 0.5 * (out.fake ? (s - t) / (1 - t) : (t - s) / t));
  return out;
}

double real_percent(const Judgement& judgement) {
  return rounded(100 * (judgement.fake ? 1 - judgement.confidence : judgement.confidence), 4);
}

Verdict verdict_of_all(const std::vector<Judgement>& participants) {
  if (std::ranges::find(participants, Verdict::fake, &Judgement::verdict) != participants.end()) return Verdict::fake;
  if (participants.empty() ||
      std::ranges::find(participants, Verdict::inconclusive, &Judgement::verdict) != participants.end())
    return Verdict::inconclusive;
  return Verdict::real;
}

double similarity_percent(double dot_product) {
  return rounded(100 * std::clamp(dot_product, 0.0, 1.0), 2);
}

double combined(const std::vector<Signal>& signals) {
  double none = 1;
  for (const auto& signal : signals) none *= 1 - signal.weight * signal.score;
  return unsuspicious + (1 - unsuspicious) * (1 - none);
}

double rounded(double value, int decimals) {
  const double scale = std::pow(10.0, decimals);
  return std::round(value * scale) / scale;
}

}  // namespace toll::engines::forensics
