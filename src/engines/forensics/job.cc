#include "engines/forensics/job.h"

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "engines/av/files.h"
#include "engines/forensics/failure.h"
#include "engines/forensics/picture_rules.h"

namespace toll::engines::forensics {
namespace {

int descriptor(const std::map<std::string, int>& files, const std::string& name) {
  const auto found = files.find(name);
  if (found == files.end()) throw std::invalid_argument("forensics: no descriptor for " + name);
  return found->second;
}

FileFacts facts_of(int fd) {
  std::vector<std::byte> beginning(std::min<std::size_t>(facts_bytes, static_cast<std::size_t>(av::size_of(fd))));
  beginning.resize(av::read_at(fd, 0, beginning));
  return read_file_facts(beginning);
}

std::string_view article(MediaKind kind) {
  return kind == MediaKind::image ? "an image" : "a video";
}

}  // namespace

int Job::in(const std::string& name) const {
  return descriptor(input.inputs, name);
}
int Job::out(const std::string& name) const {
  return descriptor(input.outputs, name);
}

Result<OpenMedia> open_media(const Job& job, const std::string& name, MediaKind kind) {
  auto facts = facts_of(job.in(name));
  // Before FFmpeg, which calls such pictures damaged.
  if (facts.pixels > job.plan.limits.max_pixels)
    return failed(Failure::media_limit_exceeded,
                  "The picture has more than " + std::to_string(job.plan.limits.max_pixels) + " pixels.");
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  auto reader = TOLL_TRY(Reader::open(job.in(name),
                                      {.limits = job.plan.limits,
                                       .orientation = facts.orientation,
                                       .threads = job.plan.threads ? job.plan.threads : cores},
                                      job.stop));
  if (reader.media().kind != kind)
    return failed(Failure::media_type_mismatch, "The file is " + std::string(article(reader.media().kind)) + ", not " +
                                                    std::string(article(kind)) + ".");
  return OpenMedia{std::move(facts), std::move(reader)};
}

Result<std::optional<OnnxModel>> open_model(const Job& job, Role role) {
  const auto& models = job.plan.models;
  const auto found = std::ranges::find(models, role, &Model::role);
  if (found == models.end()) return std::optional<OnnxModel>();
  const auto name = "model." + std::to_string(found - models.begin());
  auto model = TOLL_TRY(OnnxModel::open(
      job.in(name), *found,
      {.threads = job.plan.threads, .memory_limit = static_cast<std::uint64_t>(job.plan.memory_mib) << 20}));
  return std::optional(std::move(model));
}

Analysis analysis_by(const Model* model) {
  Analysis out;
  if (model) {
    out.method = "onnx-model";
    out.model = model->name;
    out.model_version = model->version;
    out.model_digest = "sha256:" + model->sha256;
    out.calibrated = model->manifest.calibrated;
    return out;
  }
  out.method = "builtin-forensic";
  out.model = builtin_model;
  out.model_version = builtin_version;
  out.disclaimer = std::string(disclaimer);
  return out;
}

Rule rule_of(const Model* model) {
  return model ? Rule{model->manifest.threshold, model->manifest.margin} : Rule{};
}

void put_judgement(const Judgement& judgement, const Rule& rule, Analysis& analysis) {
  analysis.verdict = judgement.verdict;
  analysis.score = judgement.score;
  analysis.threshold = rule.threshold;
  if (judgement.verdict == Verdict::inconclusive) analysis.warnings.push_back("INCONCLUSIVE");
}

Result<void> put_result(const Job& job, const std::string& text, Answer& answer) {
  answer.files.push_back("result.json");
  return av::write_at(job.out("result.json"), 0, std::as_bytes(std::span(text)));
}

namespace {

// Whether the first picture can be decoded, and what the file says of itself.
Result<Media> look_at(const Job& job, const std::string& name, MediaKind kind) {
  auto media = TOLL_TRY(open_media(job, name, kind));
  TOLL_TRY(media.reader.next());
  return media.reader.media();
}

}  // namespace

Result<Answer> check(const Job& job) {
  Answer answer;
  if (job.input.inputs.contains("reference")) TOLL_TRY(look_at(job, "reference", MediaKind::image));
  answer.media = TOLL_TRY(look_at(job, "media", job.plan.kind));
  if (job.plan.kind == MediaKind::image) return answer;
  auto again = TOLL_TRY(open_media(job, "media", job.plan.kind));
  answer.media.seconds = TOLL_TRY(again.reader.count()).seconds;
  return answer;
}

}  // namespace toll::engines::forensics
