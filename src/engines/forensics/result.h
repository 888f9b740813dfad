// result.json, in the documented order of members.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engines/forensics/picture.h"
#include "engines/forensics/plan.h"
#include "engines/forensics/scoring.h"

namespace toll::engines::forensics {

struct PictureResult {
  Judgement judgement;
  struct Spot {
    Box box;  // pixels, as the picture is shown
    double score;
  };
  const std::vector<Spot>* spots = nullptr;  // FD-1
};
std::string picture_result(const PictureResult& result, const Analysis& analysis);

// Boxes in pixels, as the film is shown, by the number of the frame.
using Boxes = std::map<std::int64_t, Box>;

struct Identity {
  int id = 0;
  Judgement judgement;
  std::vector<Signal> signals;
  const Boxes* boxes = nullptr;
};
std::string film_result(const std::vector<Identity>& identities, const Analysis& analysis);

// Members that were not asked for are null; similarity is left out then.
struct FaceResult {
  std::optional<bool> is_deep_fake, is_liveness, is_similar;
  std::optional<double> similarity_score;
  double confidence = 0.5;
  const Boxes* boxes = nullptr;
};
std::string face_result(const FaceResult& result, const Analysis& analysis);

std::string embedding_result(std::span<const float> embedding, const Analysis& analysis);

}  // namespace toll::engines::forensics
