// Where faces are: MediaPipe's BlazeFace (V. Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on
// Mobile GPUs", 2019; Apache-2.0), front model, as ONNX.
//
// The network sees squares of 128 pixels: first the whole picture, then squares of its shorter side, and on request
// quarters of those, each half overlapping. A face must fill about a tenth of a square to be seen.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "engines/forensics/picture.h"

namespace toll::engines::forensics {

struct Point {
  double x = 0, y = 0;
};

struct Face {
  Box box;  // brows to chin, pixels
  double score = 0;
  // Left and right as they stand in the picture.
  std::array<Point, 6> points;  // left eye, right eye, nose, mouth, left ear, right ear
  double eye_distance() const;
};

// Reads the model's file, face_detection.onnx, before the sandbox closes: from `folder`, or from beside the program.
// Its SHA-256 must be the known one. What is missing is reported by open(). Once a process; not thread-safe.
void load_face_model(const std::filesystem::path& folder = {});

class FaceDetector {
 public:
  // Reason::model_unusable, argument why: the model is not beside the program, or there is no ONNX Runtime.
  static Result<FaceDetector> open();
  ~FaceDetector();
  FaceDetector(FaceDetector&&) noexcept;
  FaceDetector& operator=(FaceDetector&&) noexcept;

  enum class Depth { film, image };  // image: also the quarters
  // The largest first, at most 16. cancelled.
  Result<std::vector<Face>> find(const Picture& picture, Depth depth, const std::stop_token& stop);

 private:
  struct State;
  explicit FaceDetector(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Of detections of one picture the best of each face: weighted by score (MediaPipe's weighted non-maximum suppression);
// what lies mostly within a better one goes.
std::vector<Face> without_repeats(std::vector<Face> faces);

}  // namespace toll::engines::forensics
