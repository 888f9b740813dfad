// DF-1: a film and the people in it.
#include <algorithm>
#include <cmath>

#include "engines/forensics/draw.h"
#include "engines/forensics/film.h"
#include "engines/forensics/result.h"
#include "engines/forensics/writer.h"

namespace toll::engines::forensics {
namespace {

constexpr int longest_film = 640;
constexpr double watched = 0.6;  // share of the progress; the rest draws the heatmaps

struct Judged {
  std::vector<Identity> identities;
  Analysis analysis;
};

// The first pass; its decoder is gone before the second begins.
Result<FilmFindings> watch_film(const Job& job, FaceDetector& detector, const FilmModels& models) {
  auto media = TOLL_TRY(open_media(job, "media", MediaKind::video));
  return watch(job, media.reader, detector, models, 0, watched);
}

Judged judge_people(const FilmFindings& findings, const OnnxModel* model) {
  Judged out;
  const auto rule = rule_of(model ? &model->description() : nullptr);
  out.analysis = analysis_by(model ? &model->description() : nullptr);
  std::vector<Judgement> judgements;
  for (const auto& person : findings.people) {
    Identity one;
    one.id = static_cast<int>(out.identities.size());
    one.judgement = judge(swap_score(person, model), rule);
    one.signals = person.history.swap_signals();
    if (model) {
      // The rules are shown beside the model, and do not count.
      for (auto& signal : one.signals) signal.weight = 0;
      one.signals.insert(one.signals.begin(), {"model_score", one.judgement.score, 1,
                                               "What the model says, in the mean over all frames looked at."});
    }
    one.boxes = &person.boxes;
    judgements.push_back(one.judgement);
    out.identities.push_back(std::move(one));
  }
  const auto worst = std::ranges::max_element(judgements, {}, &Judgement::score);
  if (worst == judgements.end()) {
    out.analysis.verdict = Verdict::inconclusive;
    out.analysis.threshold = rule.threshold;
    out.analysis.warnings.push_back("NO_FACE");
    return out;
  }
  Judgement all = *worst;
  all.verdict = verdict_of_all(judgements);
  put_judgement(all, rule, out.analysis);
  out.analysis.signals = out.identities[static_cast<std::size_t>(worst - judgements.begin())].signals;
  return out;
}

// The second pass: each person's film, the frames in which the person is seen.
class HeatFilms {
 public:
  HeatFilms(const Job& job, const FilmFindings& findings, const std::vector<Identity>& identities)
      : job_(job), findings_(findings), identities_(identities), films_(identities.size()) {}

  Result<void> draw(Reader& reader) {
    while (TOLL_TRY(reader.next())) {
      if (job_.stop.stop_requested()) return Reason::cancelled;
      const auto index = reader.index();
      if (index % frame_step != 0 || !somebody_at(index)) continue;
      const auto picture = reader.picture();
      const auto small = scaled_down(picture, longest_film);
      for (std::size_t i = 0; i < identities_.size(); ++i)
        if (auto drawn = draw_person(i, index, picture, small); !drawn) return drawn;
      job_.progress.report(watched + (1 - watched) * reader.position());
    }
    for (auto& film : films_) {
      if (!film) throw std::runtime_error("a person of the first pass was not seen in the second");
      if (auto finished = film->finish(); !finished) return finished;
    }
    return {};
  }

 private:
  bool somebody_at(std::int64_t index) const {
    return std::ranges::any_of(identities_, [&](const auto& one) { return one.boxes->contains(index); });
  }

  Result<void> draw_person(std::size_t i, std::int64_t index, const Picture& picture, Picture frame) {
    const auto found = identities_[i].boxes->find(index);
    if (found == identities_[i].boxes->end()) return {};
    const double scale = static_cast<double>(frame.width) / picture.width;
    const auto& box = found->second;
    const Box small{box.x1 * scale, box.y1 * scale, box.x2 * scale, box.y2 * scale};
    auto heat = measure(picture, box).pattern;
    for (float& value : heat.values) value = static_cast<float>(identities_[i].judgement.score * (0.35 + 0.65 * value));
    draw_heat(frame, small, heat);
    draw_frame(frame, small);
    auto& film = films_[i];
    if (!film)
      film.emplace(job_.out(participant_file(identities_[i].id)), frame.width, frame.height,
                   findings_.frames_per_second / frame_step);
    // Some films change their size in the middle.
    if (frame.width != film->width() || frame.height != film->height())
      frame = cut(frame, whole(frame), film->width(), film->height());
    return film->write(frame);
  }

  const Job& job_;
  const FilmFindings& findings_;
  const std::vector<Identity>& identities_;
  std::vector<std::optional<FilmWriter>> films_;
};

}  // namespace

Result<Answer> process_film(const Job& job) {
  auto model = TOLL_TRY(open_model(job, Role::df1));
  auto detector = TOLL_TRY(FaceDetector::open());
  const auto* swap = model ? &*model : nullptr;
  const auto findings = TOLL_TRY(watch_film(job, detector, {.swap = model ? &*model : nullptr}));
  auto judged = judge_people(findings, swap);
  Answer answer;
  answer.media = findings.media;
  answer.faces = static_cast<int>(judged.identities.size());
  answer.deep_fakes =
      static_cast<int>(std::ranges::count_if(judged.identities, [](const auto& one) { return one.judgement.fake; }));
  answer.fake = *answer.deep_fakes > 0;
  if (auto put = put_result(job, film_result(judged.identities, judged.analysis), answer); !put)
    return std::move(put).error();
  auto again = TOLL_TRY(open_media(job, "media", MediaKind::video));
  if (auto drawn = HeatFilms(job, findings, judged.identities).draw(again.reader); !drawn)
    return std::move(drawn).error();
  for (const auto& one : judged.identities) {
    answer.participants.push_back({one.id, one.judgement.fake, one.judgement.confidence, participant_file(one.id)});
    answer.files.push_back(participant_file(one.id));
  }
  answer.analysis = std::move(judged.analysis);
  job.progress.report(1);
  return answer;
}

}  // namespace toll::engines::forensics
