#include "workflows/rules/bins.h"

#include <algorithm>

namespace toll::workflows::rules {

namespace {

double score_of(const Bin& bin, std::string_view text) {
  if (const auto* expression = std::get_if<pattern::Pattern>(&bin.sign)) return expression->found_in(text) ? 1 : 0;
  const auto& words = std::get<std::vector<Phrase>>(bin.sign);
  const auto found =
      std::count_if(words.begin(), words.end(), [&](const Phrase& word) { return word.find(text).has_value(); });
  return words.empty() ? 0 : static_cast<double>(found) / static_cast<double>(words.size());
}

}  // namespace

Classified classify(const std::vector<Bin>& bins, std::string_view text) {
  Classified out{std::string(unknown_bin), {}};
  double best = 0;
  for (const auto& bin : bins) {
    const double score = score_of(bin, text);
    out.scores[bin.name] = score;
    if (score <= best) continue;
    best = score;
    out.bin = bin.name;
  }
  return out;
}

}  // namespace toll::workflows::rules
