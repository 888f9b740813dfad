#include "separations/models.h"

#include <algorithm>

namespace toll::separations {

namespace {

std::vector<std::string> four_stems() {
  return {"bass", "drums", "other", "vocals"};
}
std::vector<std::string> six_stems() {
  return {"bass", "drums", "guitar", "other", "piano", "vocals"};
}

constexpr std::string_view builtin_words =
    " Its published weights are not installed here: the built-in spectral separator serves this name. That is signal "
    "processing, not a "
    "trained model: the stems add up to the mix, but expect each to carry audible parts of the others.";
constexpr std::string_view trained_words =
    " Served by its trained weights: expect what the published model is known for, faint traces of the other stems "
    "included.";
constexpr std::string_view voice_words =
    " Two stems, the vocals and the rest, are made by trained weights of Spleeter, which leave less of each in the "
    "other: ";
constexpr std::string_view absent_words = " Its published weights are not installed here, so it cannot be used now.";

// The built-in separator knows the four stems; a six-stem model has to wait for its weights.
Model offer(std::string name, std::string what, std::vector<std::string> stems, std::vector<int> counts,
            const Models::Options& options) {
  const bool served = options.builtin_fallback && stems == four_stems();
  Model model{std::move(name),  what,
              std::move(stems), std::move(counts),
              options.price,    std::string(served ? "Apache-2.0" : engines::htdemucs::published_licence),
              served,           {},
              std::move(what)};
  model.description += served ? builtin_words : absent_words;
  if (served) model.served_by = std::string(builtin_name);
  return model;
}

// Whether the weights are of this model's stems.
bool fits(const Model& model, const std::optional<Trained>& trained) {
  if (!trained) return false;
  auto sources = trained->bundle.sources;
  std::ranges::sort(sources);
  return sources == model.stems;
}

bool contains(const auto& list, const auto& item) {
  return std::ranges::find(list, item) != list.end();
}

std::string listed(const auto& items, auto to_text) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ", ") + to_text(item);
  return out;
}

}  // namespace

Models::Models(Options options) {
  models_.push_back(offer("htdemucs", "Hybrid Transformer Demucs, four stems.", four_stems(), {2, 4}, options));
  models_.push_back(offer("htdemucs_6s", "Hybrid Transformer Demucs, six stems.", six_stems(), {2, 4, 6}, options));
  models_.push_back(
      offer("htdemucs_ft", "Hybrid Transformer Demucs, fine-tuned, four stems.", four_stems(), {2, 4}, options));
  models_.push_back(offer("spleeter", "Spleeter, two stems: the vocals and what accompanies them.",
                          {"accompaniment", "vocals"}, {2}, options));
}

const Model* Models::find(std::string_view name) const {
  auto it = std::ranges::find(models_, name, &Model::name);
  return it == models_.end() ? nullptr : &*it;
}

Model Models::with(const Model& model, const std::optional<Trained>& own, const std::optional<Trained>& for_voice) {
  auto out = model;
  if (fits(model, own)) {
    out.description = model.about + std::string(trained_words);
    out.licence = own->bundle.licence.empty() ? "unknown" : own->bundle.licence;
    out.ready = true;
    out.served_by = own->served_by;
  } else if (model.served_by == builtin_name && for_voice) {
    out.description += std::string(voice_words) + for_voice->served_by + ".";
  }
  return out;
}

const Trained* Models::serving(const Choice& choice, const std::optional<Trained>& own,
                               const std::optional<Trained>& for_voice) {
  if (fits(*choice.model, own)) return &*own;
  const bool alone = choice.two_stem == voice && choice.model->served_by == builtin_name;
  return alone && for_voice && contains(for_voice->bundle.sources, std::string(voice)) ? &*for_voice : nullptr;
}

metering::Credits Models::cheapest() const {
  return std::ranges::min(models_, {}, &Model::cost).cost;
}

std::vector<ChoiceProblem> Models::choose(std::string_view name, std::optional<int> stem_count,
                                          std::optional<std::string> two_stem, Choice& choice) const {
  std::vector<ChoiceProblem> problems;
  const auto* model = find(name);
  if (!model) {
    problems.push_back(
        {ChoiceProblem::model, "must be one of " + listed(models_, [](const Model& m) { return m.name; })});
    return problems;
  }
  const int count = stem_count.value_or(static_cast<int>(model->stems.size()));
  if (!contains(model->stem_counts, count))
    problems.push_back({ChoiceProblem::stem_count,
                        "must be one of " + listed(model->stem_counts, [](int n) { return std::to_string(n); }) +
                            " for " + model->name});
  if (two_stem && !contains(model->stems, *two_stem))
    problems.push_back(
        {ChoiceProblem::two_stem, "must be one of " + listed(model->stems, [](const std::string& s) { return s; })});
  if (!problems.empty()) return problems;
  choice = {model, count, {}};
  if (count == 2) choice.two_stem = two_stem.value_or("vocals");
  return problems;
}

std::vector<std::string> stems_of(const Choice& choice) {
  if (choice.two_stem) {
    std::vector<std::string> pair{*choice.two_stem, "no_" + *choice.two_stem};
    std::ranges::sort(pair);
    return pair;
  }
  // Four of a six-stem model: guitar and piano go into other.
  return choice.stem_count == 6 ? six_stems() : four_stems();
}

}  // namespace toll::separations
