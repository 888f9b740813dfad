// One pass over a film, or a picture as a film of one frame: who is seen, and what was measured of each.
#pragma once

#include <optional>
#include <stop_token>
#include <vector>

#include "engines/forensics/face_detector.h"
#include "engines/forensics/job.h"
#include "engines/forensics/tracks.h"

namespace toll::engines::forensics {

inline constexpr int frame_step = 5;  // every so many frames one is looked at, the first always

struct FilmFindings {
  std::vector<Person> people;  // longest on screen first
  Media media;                 // counted
  double frames_per_second = 25;
  bool several_faces = false;  // in one frame
};

// Models that look at every face; either may be missing.
struct FilmModels {
  OnnxModel* swap = nullptr;
  OnnxModel* spoof = nullptr;
  OnnxModel* embed = nullptr;
  bool embeddings = false;  // keep each person's best view
};

// Reads `reader` to its end. Progress goes from `from` to `to`. Faults: of Reader::next, of the models, cancelled.
Result<FilmFindings> watch(const Job& job, Reader& reader, FaceDetector& detector, const FilmModels& models,
                           double from, double to);

// Scores of a person by the model, or by the signals of its history: swapped or generated, and not alive.
double swap_score(const Person& person, const OnnxModel* model);
double spoof_score(const Person& person, const OnnxModel* model);

}  // namespace toll::engines::forensics
