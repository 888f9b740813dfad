// FI-1 and FE-1: one face.
#include <algorithm>

#include "engines/forensics/failure.h"
#include "engines/forensics/film.h"
#include "engines/forensics/result.h"

namespace toll::engines::forensics {
namespace {

Fault no_face(const std::string& where) {
  return failed(Failure::no_face, "There is no face in the " + where + ".");
}

// Whoever fills most of the film, or the picture.
const Person* largest(const FilmFindings& findings) {
  const auto found = std::ranges::max_element(findings.people, {}, &Person::area);
  return found == findings.people.end() ? nullptr : &*found;
}

const Model* description_of(const std::optional<OnnxModel>& model) {
  return model ? &model->description() : nullptr;
}

struct FaceModels {
  std::optional<OnnxModel> swap, spoof, embed;
};

Result<FaceModels> open_models(const Job& job) {
  FaceModels out;
  if (job.plan.checks.faceswap) out.swap = TOLL_TRY(open_model(job, Role::df1));
  if (job.plan.checks.liveness) out.spoof = TOLL_TRY(open_model(job, Role::fi1_liveness));
  if (job.plan.checks.similarity) out.embed = TOLL_TRY(open_model(job, Role::fe1));
  return out;
}

// The embedding of the largest face of a picture. no_face.
Result<std::vector<float>> embedding_in(const Job& job, const std::string& name, FaceDetector& detector,
                                        std::optional<OnnxModel>& embed, double from, double to) {
  auto media = TOLL_TRY(open_media(job, name, MediaKind::image));
  const auto findings =
      TOLL_TRY(watch(job, media.reader, detector, {.embed = embed ? &*embed : nullptr, .embeddings = true}, from, to));
  const auto* person = largest(findings);
  if (!person) return no_face(name == "reference" ? "reference picture" : "picture");
  return person->best.embedding;
}

// Weight 0 for signals that stand beside a model's score.
void add_signals(std::vector<Signal> signals, const std::string& prefix, bool count, Analysis& analysis) {
  for (auto& signal : signals) {
    signal.name = prefix + signal.name;
    if (!count) signal.weight = 0;
    analysis.signals.push_back(std::move(signal));
  }
}

class FaceJudgement {
 public:
  FaceJudgement(const Person& person, const FaceModels& models) : person_(person), models_(models) {}

  Answer answer;
  FaceResult result;
  Analysis analysis;

  // The model named is the one of the first check asked for: swap, else liveness, else similarity.
  void begin(const Checks& checks) {
    const auto& first = checks.faceswap ? models_.swap : checks.liveness ? models_.spoof : models_.embed;
    analysis = analysis_by(description_of(first));
  }
  void check_swap() {
    const auto rule = rule_of(description_of(models_.swap));
    const auto judgement = judge(swap_score(person_, models_.swap ? &*models_.swap : nullptr), rule);
    put_judgement(judgement, rule, analysis);
    if (models_.swap)
      add_signals({{"model_score", judgement.score, 1, "What the faceswap model says."}}, "", true, analysis);
    add_signals(person_.history.swap_signals(), "", !models_.swap, analysis);
    result.is_deep_fake = answer.is_deep_fake = judgement.fake;
    result.confidence = judgement.confidence;
  }
  // Not shown to be alive is not alive: an inconclusive check must not open a door.
  void check_liveness(bool alone) {
    const auto rule = rule_of(description_of(models_.spoof));
    const auto judgement = judge(spoof_score(person_, models_.spoof ? &*models_.spoof : nullptr), rule);
    if (models_.spoof)
      add_signals({{"liveness_model_score", judgement.score, 1, "What the liveness model says of a spoof."}}, "", true,
                  analysis);
    add_signals(person_.history.spoof_signals(), "liveness_", !models_.spoof, analysis);
    if (judgement.verdict == Verdict::inconclusive) analysis.warnings.push_back("LIVENESS_INCONCLUSIVE");
    result.is_liveness = answer.is_liveness = judgement.verdict == Verdict::real;
    if (alone) result.confidence = judgement.confidence;
  }
  void check_similarity(const std::vector<float>& reference) {
    const double alike = dot(person_.best.embedding, reference);
    const double threshold =
        models_.embed ? models_.embed->description().manifest.threshold : builtin_similarity_threshold;
    result.similarity_score = answer.similarity_score = similarity_percent(alike);
    result.is_similar = answer.is_similar = alike >= threshold;
  }

 private:
  const Person& person_;
  const FaceModels& models_;
};

}  // namespace

Result<Answer> process_face(const Job& job) {
  const auto& checks = job.plan.checks;
  auto models = TOLL_TRY(open_models(job));
  auto detector = TOLL_TRY(FaceDetector::open());
  std::vector<float> reference;
  if (checks.similarity) reference = TOLL_TRY(embedding_in(job, "reference", detector, models.embed, 0, 0.1));
  auto media = TOLL_TRY(open_media(job, "media", job.plan.kind));
  const auto pointer = [](std::optional<OnnxModel>& model) { return model ? &*model : nullptr; };
  const auto findings = TOLL_TRY(watch(job, media.reader, detector,
                                       {.swap = pointer(models.swap),
                                        .spoof = pointer(models.spoof),
                                        .embed = pointer(models.embed),
                                        .embeddings = checks.similarity},
                                       0.1, 0.95));
  const auto* person = largest(findings);
  if (!person) return no_face(job.plan.kind == MediaKind::video ? "film" : "picture");
  FaceJudgement face(*person, models);
  face.begin(checks);
  if (checks.faceswap) face.check_swap();
  if (checks.liveness) face.check_liveness(!checks.faceswap);
  if (checks.similarity) face.check_similarity(reference);
  if (checks.single_face && (findings.several_faces || findings.people.size() > 1))
    face.analysis.warnings.push_back("MULTIPLE_FACES");
  face.answer.media = findings.media;
  face.result.boxes = &person->boxes;
  if (auto put = put_result(job, face_result(face.result, face.analysis), face.answer); !put)
    return std::move(put).error();
  face.answer.analysis = std::move(face.analysis);
  job.progress.report(1);
  return std::move(face.answer);
}

Result<Answer> process_embedding(const Job& job) {
  auto model = TOLL_TRY(open_model(job, Role::fe1));
  auto detector = TOLL_TRY(FaceDetector::open());
  Answer answer;
  auto media = TOLL_TRY(open_media(job, "media", MediaKind::image));
  TOLL_TRY(media.reader.next());
  answer.media = media.reader.media();
  const auto embedding = TOLL_TRY(embedding_in(job, "media", detector, model, 0, 0.95));
  auto analysis = analysis_by(description_of(model));
  if (auto put = put_result(job, embedding_result(embedding, analysis), answer); !put) return std::move(put).error();
  answer.analysis = std::move(analysis);
  job.progress.report(1);
  return answer;
}

}  // namespace toll::engines::forensics
