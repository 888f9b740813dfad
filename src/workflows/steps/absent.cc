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
    Known{"source.http", "Files at URLs: one item each.", not_built},
    Known{"source.fs", "Files of a folder that the operator named: one item each.", not_built},
    Known{"source.s3", "Objects of an S3 bucket: one item each.", not_built},
    Known{"detect.type", "What kind of file the item is, from its bytes.", not_built},
    Known{"text.extract", "Text out of PDF, office and text files.", not_built},
    Known{"text.ocr", "Text out of pictures of text.", not_built},
    Known{"extract.rules", "Typed values out of text by rules.", not_built},
    Known{"extract.llm", "Values out of text by a language model.", not_built},
    Known{"classify", "Which bin an item belongs in.", not_built},
    Known{"sink.sql", "Rows of a database.", not_built},
    Known{"sink.fs", "Files in a folder that the operator named.", not_built},
    Known{"sink.s3", "Objects in an S3 bucket.", not_built},
    Known{"sink.http", "A call to a URL.", not_built},
    Known{"notify.webhook", "A signed call to a URL when the execution has ended.", not_built},
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
