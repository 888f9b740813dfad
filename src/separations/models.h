// What can be asked for: the separation models that are offered, and what really serves each.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metering/credits.h"
#include "separations/trained.h"

namespace toll::separations {

inline constexpr std::string_view builtin_name = "builtin-spectral";
inline constexpr std::string_view default_model = "htdemucs";
// Whose weights, when they are here, also take the voice out of a song for the names that the built-in separator
// serves: it does that one thing better (tests/bench/separation_sdr.py).
inline constexpr std::string_view voice_model = "spleeter", voice = "vocals";

struct Model {
  std::string name;
  std::string description;         // with one sentence about the quality of what serves it
  std::vector<std::string> stems;  // sorted
  std::vector<int> stem_counts;
  metering::Credits cost;
  std::string licence;
  bool ready = false;
  std::optional<std::string> served_by;  // null while nothing can
  std::string about;                     // the description without that sentence
};

// What a client chose, resolved.
struct Choice {
  const Model* model = nullptr;
  int stem_count = 4;
  std::optional<std::string> two_stem;  // set only when stem_count is 2
};

// Which part of a choice is wrong; the surface knows what it calls it.
struct ChoiceProblem {
  enum Part { model, stem_count, two_stem } part;
  std::string message;
};

class Models {
 public:
  struct Options {
    metering::Credits price;
    // The built-in spectral separator serves the names whose trained weights are not installed.
    bool builtin_fallback = true;
  };
  explicit Models(Options options);

  const std::vector<Model>& all() const { return models_; }  // by name
  const Model* find(std::string_view name) const;
  // A model as it is offered now, with what the registry holds for it and under voice_model. Trained stems other than
  // the model's serve it not.
  static Model with(const Model& model, const std::optional<Trained>& own,
                    const std::optional<Trained>& for_voice = {});
  // Which of the two does a job of this choice; nullptr: the built-in separator, if the model is ready.
  static const Trained* serving(const Choice& choice, const std::optional<Trained>& own,
                                const std::optional<Trained>& for_voice);
  metering::Credits cheapest() const;

  // Every problem of the choice, in the order of its parts; empty: `choice` is set.
  std::vector<ChoiceProblem> choose(std::string_view model, std::optional<int> stem_count,
                                    std::optional<std::string> two_stem, Choice& choice) const;

 private:
  std::vector<Model> models_;
};

// The stems that a choice makes: "bass", ... or "vocals", "no_vocals"; sorted.
std::vector<std::string> stems_of(const Choice& choice);

}  // namespace toll::separations
