#include "engines/forensics/film.h"

#include <algorithm>
#include <numeric>

#include "engines/forensics/descriptor.h"
#include "engines/forensics/failure.h"

namespace toll::engines::forensics {
namespace {

constexpr std::size_t least_samples = 3;  // of a person, where the film has so many: less is a mistake of the detector

class Watcher {
 public:
  Watcher(const Job& job, Reader& reader, FaceDetector& detector, const FilmModels& models)
      : job_(job), reader_(reader), detector_(detector), models_(models) {}

  Result<void> look(FilmFindings& out) {
    const auto picture = reader_.picture();
    const bool still = reader_.media().kind == MediaKind::image;
    const auto depth = still ? FaceDetector::Depth::image : FaceDetector::Depth::film;
    const auto faces = TOLL_TRY(detector_.find(picture, depth, job_.stop));
    out.several_faces |= faces.size() > 1;
    const auto people = tracker_.follow(reader_.index(), faces, cuts_.is_cut(picture));
    for (std::size_t i = 0; i < faces.size(); ++i)
      if (auto seen = see(picture, faces[i], *people[i]); !seen) return seen;
    ++samples_;
    return {};
  }

  std::vector<Person> people() {
    return tracker_.finish(std::min(least_samples, std::max<std::size_t>(samples_, 1)), most_participants);
  }

 private:
  Result<void> see(const Picture& picture, const Face& face, Person& person) {
    person.boxes.rbegin()->second = clipped(face.box, picture.width, picture.height);
    const auto measures = measure(picture, face.box);
    const auto upright_face = aligned(picture, face);
    person.history.add(measures, face, upright_face);
    const auto descriptor = describe(upright_face, face);
    person.descriptor_sum.resize(descriptor.size());
    std::transform(descriptor.begin(), descriptor.end(), person.descriptor_sum.begin(), person.descriptor_sum.begin(),
                   std::plus<>());
    for (auto [model, scores] : {std::pair{models_.swap, &person.swap_scores}, {models_.spoof, &person.spoof_scores}})
      if (model) scores->push_back(static_cast<float>(TOLL_TRY(score(*model, picture, face))));
    const double worth = face.score * face.box.area();
    if (!models_.embeddings || worth <= person.best.worth) return {};
    person.best = {worth, models_.embed ? TOLL_TRY(models_.embed->embed(picture, crop(*models_.embed, face), job_.stop))
                                        : descriptor};
    return {};
  }

  static Box crop(const OnnxModel& model, const Face& face) {
    return square_around(face.box, model.description().manifest.face_margin);
  }
  Result<double> score(OnnxModel& model, const Picture& picture, const Face& face) {
    const bool by_face = model.description().manifest.crop == Manifest::Crop::face;
    return model.score(picture, by_face ? crop(model, face) : whole(picture), job_.stop);
  }

  const Job& job_;
  Reader& reader_;
  FaceDetector& detector_;
  FilmModels models_;
  Tracker tracker_;
  CutFinder cuts_;
  std::size_t samples_ = 0;
};

double mean(const std::vector<float>& values) {
  return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

Result<FilmFindings> watch(const Job& job, Reader& reader, FaceDetector& detector, const FilmModels& models,
                           double from, double to) {
  FilmFindings out;
  Watcher watcher(job, reader, detector, models);
  while (TOLL_TRY(reader.next())) {
    if (job.stop.stop_requested()) return Reason::cancelled;
    if (reader.index() % frame_step != 0) continue;
    if (auto looked = watcher.look(out); !looked) return std::move(looked).error();
    job.progress.report(from + (to - from) * reader.position());
  }
  out.media = reader.media();
  if (out.media.frames > 1 && reader.seconds() > 0)
    out.frames_per_second = std::clamp(static_cast<double>(out.media.frames - 1) / reader.seconds(), 1.0, 240.0);
  out.people = watcher.people();
  return out;
}

double swap_score(const Person& person, const OnnxModel* model) {
  return model ? mean(person.swap_scores) : combined(person.history.swap_signals());
}
double spoof_score(const Person& person, const OnnxModel* model) {
  return model ? mean(person.spoof_scores) : combined(person.history.spoof_signals());
}

}  // namespace toll::engines::forensics
