// AC-1 and FD-1: a picture.
#include <algorithm>
#include <cmath>

#include "engines/forensics/draw.h"
#include "engines/forensics/job.h"
#include "engines/forensics/picture_rules.h"
#include "engines/forensics/result.h"
#include "engines/forensics/writer.h"

namespace toll::engines::forensics {
namespace {

constexpr int longest_heatmap = 1280;
constexpr int windows = 3;  // along each side: half the picture each, half overlapping

struct Judged {
  Judgement judgement;
  Analysis analysis;
  Grid heat;  // as the picture is shown
  std::vector<PictureResult::Spot> spots;
};

Box as_shown(const Box& box, Orientation orientation, int width, int height) {
  const double w = width, h = height;
  switch (orientation.exif) {
    case 2:
      return {w - box.x2, box.y1, w - box.x1, box.y2};
    case 3:
      return {w - box.x2, h - box.y2, w - box.x1, h - box.y1};
    case 4:
      return {box.x1, h - box.y2, box.x2, h - box.y1};
    case 5:
      return {box.y1, box.x1, box.y2, box.x2};
    case 6:
      return {h - box.y2, box.x1, h - box.y1, box.x2};
    case 7:
      return {h - box.y2, w - box.x2, h - box.y1, w - box.x1};
    case 8:
      return {box.y1, w - box.x2, box.y2, w - box.x1};
    default:
      return box;
  }
}

Judged judge_by_rules(OpenMedia& media) {
  Judged out;
  const auto luma = media.reader.stored_luma();
  const auto turned = media.reader.orientation();
  auto findings = examine(luma, media.facts);
  out.analysis = analysis_by(nullptr);
  out.judgement = judge(combined(findings.signals), {});
  out.analysis.signals = std::move(findings.signals);
  out.analysis.warnings = std::move(findings.warnings);
  out.heat = upright(findings.heat, turned);
  for (const auto& region : findings.regions)
    out.spots.push_back(
        {as_shown(clipped(region.box, luma.width, luma.height), turned, luma.width, luma.height), region.score});
  return out;
}

// The model looks at the whole picture, and, to say where, at overlapping quarters of it.
Result<Judged> judge_by_model(OnnxModel& model, const Picture& picture, const std::stop_token& stop) {
  Judged out;
  const auto rule = rule_of(&model.description());
  out.analysis = analysis_by(&model.description());
  out.judgement = judge(TOLL_TRY(model.score(picture, whole(picture), stop)), rule);
  out.heat = {1, windows, windows, {}};
  for (int row = 0; row < windows; ++row)
    for (int column = 0; column < windows; ++column) {
      const double width = picture.width / 2.0, height = picture.height / 2.0;
      const Box box{column * width / 2, row * height / 2, column * width / 2 + width, row * height / 2 + height};
      const double score = rounded(TOLL_TRY(model.score(picture, box, stop)));
      out.heat.values.push_back(static_cast<float>(score));
      if (judge(score, rule).fake) out.spots.push_back({box, score});
    }
  std::ranges::stable_sort(out.spots, std::ranges::greater(), &PictureResult::Spot::score);
  out.analysis.signals.push_back({"model_score", out.judgement.score, 1, "What the model says of the whole picture."});
  return out;
}

Result<void> write_heatmap(const Job& job, const Picture& picture, const Grid& heat, Answer& answer) {
  auto small = scaled_down(picture, longest_heatmap);
  draw_heat(small, whole(small), heat);
  answer.files.push_back("heatmap.jpg");
  return write_jpeg(small, job.out("heatmap.jpg"));
}

}  // namespace

Result<Answer> process_picture(const Job& job) {
  auto model = TOLL_TRY(open_model(job, roles_of(job.plan.model_type, {}).front()));
  auto media = TOLL_TRY(open_media(job, "media", MediaKind::image));
  TOLL_TRY(media.reader.next());
  Answer answer;
  answer.media = media.reader.media();
  const auto picture = media.reader.picture();
  job.progress.report(0.3);
  auto judged = model ? TOLL_TRY(judge_by_model(*model, picture, job.stop)) : judge_by_rules(media);
  if (job.stop.stop_requested()) return Reason::cancelled;
  job.progress.report(0.8);
  put_judgement(judged.judgement, rule_of(model ? &model->description() : nullptr), judged.analysis);
  answer.fake = judged.judgement.fake;
  answer.confidence = judged.judgement.confidence;
  const bool with_regions = job.plan.model_type == ModelType::fd1;
  const auto text = picture_result({judged.judgement, with_regions ? &judged.spots : nullptr}, judged.analysis);
  if (auto written = put_result(job, text, answer); !written) return std::move(written).error();
  if (auto written = write_heatmap(job, picture, judged.heat, answer); !written) return std::move(written).error();
  answer.analysis = std::move(judged.analysis);
  job.progress.report(1);
  return answer;
}

}  // namespace toll::engines::forensics
