// The people of a film: detections joined over time.
//
// A detection goes on the track whose last box it overlaps most (greedy on intersection over union, E. Bochinski et
// al., "High-speed tracking-by-detection without using image information", AVSS 2017). A cut ends all tracks. At the
// end, tracks that never were on screen together and whose mean descriptors (descriptor.h) are alike become one person.
#pragma once

#include <cstdint>
#include <vector>

#include "engines/forensics/descriptor.h"
#include "engines/forensics/face_signals.h"
#include "engines/forensics/result.h"

namespace toll::engines::forensics {

// The view in which a person shows best: large and sharp.
struct BestView {
  double worth = 0;
  std::vector<float> embedding;  // 512, the model's or descriptor.h's
};

struct Person {
  Boxes boxes;  // of every sampled frame in which it was seen
  FaceHistory history;
  std::vector<float> swap_scores, spoof_scores;  // of the models, where there are any
  std::vector<float> descriptor_sum;             // of all its frames
  BestView best;
  double area = 0;  // of all its boxes
  std::size_t samples() const { return boxes.size(); }
};

class Tracker {
 public:
  // The faces of the next sampled frame; `cut` when the picture has nothing to do with the last one. Gives for each
  // face the person it belongs to. Pointers stay valid until the next call.
  std::vector<Person*> follow(std::int64_t frame, const std::vector<Face>& faces, bool cut);
  // Everybody who was seen in at least `least` samples, those longest on screen first; at most `most`. Ends the
  // tracker.
  std::vector<Person> finish(std::size_t least, std::size_t most);

 private:
  struct Track {
    Person person;
    Box last;
    int missed = 0;
  };
  void close(Track track);

  std::vector<Track> open_;
  std::vector<Person> closed_;
};

// Whether the film jumps between two pictures: their brightness differs by more than 40 of 255 in the mean over 32x18
// places.
class CutFinder {
 public:
  bool is_cut(const Picture& picture);

 private:
  std::vector<std::uint8_t> last_;
};

}  // namespace toll::engines::forensics
