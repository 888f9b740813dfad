// media.json: what an ONNX model expects and what its output means, so that the engine can run it without knowing it.
//
//   {"task":"DF-1",
//    "input":{"name":"image","size":[224,224],"layout":"NCHW","mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225],
//             "color":"RGB","crop":"face","margin":0.3},
//    "output":{"name":"logits","kind":"logit","fakeIndex":1},
//    "threshold":0.5,"margin":0.1,"calibrated":false}
//
// A pixel of 0..255 enters as (pixel / 255 - mean) / std, per channel in the order of `color`. `crop` and `margin` of
// the input are ours and may be left out.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace toll::engines::forensics {

// The place that a model takes. FI-1 takes the swapped face from DF-1 and similarity from FE-1.
enum class Role { df1, ac1, fd1, fe1, fi1_liveness };
std::string_view name_of(Role role);  // "DF-1", "AC-1", "FD-1", "FE-1", "FI-1.liveness"
std::optional<Role> role_of(std::string_view name);

inline constexpr int embedding_width = 512;

struct Manifest {
  enum class Layout { nchw, nhwc };
  enum class Color { rgb, bgr };
  enum class Crop { image, face };
  enum class Kind {
    logit,        // one value: through a sigmoid; several: softmax, of which fakeIndex counts
    probability,  // the value at fakeIndex
    embedding     // 512 values, normalised to length 1 here
  };
  Role task = Role::df1;
  std::string input_name;
  int height = 0, width = 0;  // 16..2048
  Layout layout = Layout::nchw;
  std::array<double, 3> mean{}, std{1, 1, 1};
  Color color = Color::rgb;
  Crop crop = Crop::face;    // default: the image for AC-1 and FD-1, else the face
  double face_margin = 0.3;  // added to each side of a face box, in its width and height; 0..2
  std::string output_name;
  Kind kind = Kind::probability;
  int fake_index = 0;      // of the output's last axis; of FI-1.liveness the class "not a live person"
  double threshold = 0.5;  // on the score; of an embedding on the dot product of two
  double margin = 0.1;     // nearer to the threshold than this: inconclusive. 0..0.5
  bool calibrated = false;
};

// Reason::model_unusable, argument why, in words for whoever wrote the file.
Result<Manifest> parse_manifest(std::string_view text);
std::string write_manifest(const Manifest& manifest);

// Whether a model can be what its manifest says: `described` is the answer of engine "onnx" to the action "describe"
// (engines/onnx/onnx_engine.h). To be asked when a model is assigned. Reason::model_unusable, argument why;
// Reason::internal when `described` is no such answer.
Result<void> check_model(const Manifest& manifest, std::string_view described);

}  // namespace toll::engines::forensics
