#include "workflows/steps/absent.h"

#include <array>

namespace toll::workflows::steps {

namespace {

struct Known {
  const char* name;
  const char* summary;
  const char* why;
};

constexpr auto not_built = "this build has no such step";

constexpr std::array known{
    Known{"media.separate", "Stems of a recording.", not_built},
    Known{"media.transcribe", "The words of a recording, with their times.", "no transcription model is installed"},
    Known{"media.features", "What a recording sounds like, in numbers.", "no engine for it is installed"},
    Known{"media.authenticity", "Whether a picture, video or recording was made or changed by a machine.",
          "no engine for it is installed"},
    Known{"registry.model", "A call of an ONNX model of the registry.", not_built},
};

}  // namespace

void add_absent_steps(Catalogue& catalogue) {
  for (const auto& step : known)
    if (!catalogue.find(step.name)) catalogue.add_absent(step.name, step.summary, step.why);
}

}  // namespace toll::workflows::steps
