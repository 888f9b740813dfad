// One run of the engine on its way through the analyses.
#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engines/forensics/file_facts.h"
#include "engines/forensics/onnx_model.h"
#include "engines/forensics/plan.h"
#include "engines/forensics/reader.h"
#include "engines/forensics/scoring.h"

namespace toll::engines::forensics {

struct Job {
  Plan plan;
  const engine::Input& input;
  engine::Progress& progress;
  std::stop_token stop;

  int in(const std::string& name) const;   // std::invalid_argument when the caller forgot it
  int out(const std::string& name) const;  // the same
};

// A file of the job, its headers read and its decoder open.
struct OpenMedia {
  FileFacts facts;
  Reader reader;
};
// Faults: those of Reader::open; media_type_mismatch when the file is not of `kind`.
Result<OpenMedia> open_media(const Job& job, const std::string& name, MediaKind kind);

// The model of the plan in this role, loaded; nullopt when the built-in rules serve. Faults: of OnnxModel::open.
Result<std::optional<OnnxModel>> open_model(const Job& job, Role role);

// Method, model, version and disclaimer; of the built-in rules without a model.
Analysis analysis_by(const Model* model);
Rule rule_of(const Model* model);
// Puts verdict, score and threshold in, and INCONCLUSIVE among the warnings.
void put_judgement(const Judgement& judgement, const Rule& rule, Analysis& analysis);

// Writes result.json and names it in the answer. storage_full.
Result<void> put_result(const Job& job, const std::string& text, Answer& answer);

Result<Answer> check(const Job& job);
Result<Answer> process_picture(const Job& job);    // AC-1, FD-1
Result<Answer> process_film(const Job& job);       // DF-1
Result<Answer> process_face(const Job& job);       // FI-1
Result<Answer> process_embedding(const Job& job);  // FE-1

}  // namespace toll::engines::forensics
