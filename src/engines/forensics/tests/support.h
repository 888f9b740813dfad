// Synthetic media with a known history: pictures with noise and texture, compressed and spliced; drawn faces; runs of
// the engine over files in memory.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engines/forensics/blocks.h"
#include "engines/forensics/picture.h"
#include "engines/forensics/plan.h"

namespace toll::engines::forensics::tests {

// Numbers that are the same on every machine (SplitMix64).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  double uniform() { return static_cast<double>(next() >> 11) / 9007199254740992.0; }
  double normal();

 private:
  std::uint64_t state_;
};

// Soft shapes with texture and sensor noise of the given deviation.
Luma scene(int width, int height, std::uint64_t seed, double noise);
// What JPEG would leave of it: transformed, rounded to the table, transformed back.
Luma compressed(const Luma& luma, const QuantisationTable& table);
// `part` over `luma` at (x, y).
void paste(Luma& luma, const Luma& part, int x, int y);
Luma piece(const Luma& luma, int x, int y, int width, int height);

struct Looks {
  double x = 0.5, y = 0.5, size = 0.5;  // of the face: centre and height, by the picture's height
  int skin = 224, hair = 60;
  double mouth = 0;  // open by, 0..1
  double wide = 1;   // of the face and the distance of its eyes
};
// A drawn face before a textured background; the detector takes it for one.
Picture portrait(int width, int height, const std::vector<Looks>& faces, std::uint64_t seed);
Picture grey(const Luma& luma);

// A file without a name, as the host hands them to an engine.
class TempFile {
 public:
  TempFile();
  explicit TempFile(const std::string& content);
  ~TempFile();
  TempFile(TempFile&& other) noexcept;
  TempFile& operator=(TempFile&&) = delete;
  int fd() const { return fd_; }
  std::string content() const;

 private:
  int fd_;
};

TempFile jpeg_of(const Picture& picture);
TempFile film_of(int frames, double frames_per_second, const std::function<Picture(int)>& draw);

struct Run {
  Result<Answer> answer;
  std::map<std::string, std::string> files;
  boost::json::object result() const { return boost::json::parse(files.at("result.json")).as_object(); }
};
// One run of the engine in this process; `inputs` beside "media".
Run run(const Plan& plan, const TempFile& media, const std::map<std::string, const TempFile*>& inputs = {});
bool has_face_detector();

}  // namespace toll::engines::forensics::tests
