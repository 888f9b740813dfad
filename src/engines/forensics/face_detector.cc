#include "engines/forensics/face_detector.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "engines/onnx/mapped_file.h"
#include "engines/onnx/session.h"

namespace toll::engines::forensics {
namespace {

constexpr std::string_view model_digest = "d388b1cf8a5f6f1af2b3f4c14f6d0f138bab970cd618cccd12dddb7484e82e51";
constexpr int side = 128;
constexpr std::size_t anchors_of_16 = 512, anchors_of_8 = 384, numbers = 16;
constexpr double least_score = 0.6;
constexpr double same_face = 0.3, within_another = 0.6;
constexpr std::size_t most_faces = 16;
constexpr std::size_t model_memory = 64u << 20;

std::vector<std::byte>& model_bytes() {
  static std::vector<std::byte> bytes;
  return bytes;
}

// Centres of the anchors, 0..1: two a cell of 16x16, then six a cell of 8x8.
const std::vector<Point>& anchors() {
  static const auto all = [] {
    std::vector<Point> out;
    for (const auto& [cells, each] : {std::pair{16, 2}, {8, 6}})
      for (int y = 0; y < cells; ++y)
        for (int x = 0; x < cells; ++x)
          for (int i = 0; i < each; ++i) out.push_back({(x + 0.5) / cells, (y + 0.5) / cells});
    return out;
  }();
  return all;
}

// Squares of `length` over the picture, overlapping by half or more.
void add_squares(const Picture& picture, double length, std::vector<Box>& out) {
  const auto steps = [&](double extent) {
    return extent <= length ? 1 : static_cast<int>(std::ceil((extent - length) / (length / 2) - 1e-9)) + 1;
  };
  const int columns = steps(picture.width), rows = steps(picture.height);
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < columns; ++column) {
      const double x = columns == 1 ? (picture.width - length) / 2 : (picture.width - length) * column / (columns - 1);
      const double y = rows == 1 ? (picture.height - length) / 2 : (picture.height - length) * row / (rows - 1);
      out.push_back({x, y, x + length, y + length});
    }
}

std::vector<Box> squares_of(const Picture& picture, FaceDetector::Depth depth) {
  const double longer = std::max(picture.width, picture.height), shorter = std::min(picture.width, picture.height);
  std::vector<Box> out;
  add_squares(picture, longer, out);
  if (longer > 1.15 * shorter && longer < 6 * shorter) add_squares(picture, shorter, out);
  if (depth == FaceDetector::Depth::image && shorter >= 2 * side && longer < 6 * shorter)
    add_squares(picture, shorter / 2, out);
  return out;
}

// The squares overlap: a large picture is scaled down once, so that each of its pixels is looked at once. The smallest
// square keeps twice the network's side.
double reduction(const Picture& picture, FaceDetector::Depth depth) {
  const double smallest = std::min(picture.width, picture.height) / (depth == FaceDetector::Depth::image ? 2.0 : 1.0);
  const double scale = smallest / (2 * side);
  return scale >= 1.5 ? scale : 1;
}

Picture reduced(const Picture& picture, double scale) {
  const auto length = [&](int pixels) { return std::max(1, static_cast<int>(std::lround(pixels / scale))); };
  return cut(picture, {0, 0, static_cast<double>(picture.width), static_cast<double>(picture.height)},
             length(picture.width), length(picture.height));
}

void enlarge(std::vector<Face>& faces, double x, double y) {
  for (auto& face : faces) {
    face.box = {face.box.x1 * x, face.box.y1 * y, face.box.x2 * x, face.box.y2 * y};
    for (auto& point : face.points) point = {point.x * x, point.y * y};
  }
}

double shared_of_smaller(const Box& a, const Box& b) {
  const Box both{std::max(a.x1, b.x1), std::max(a.y1, b.y1), std::min(a.x2, b.x2), std::min(a.y2, b.y2)};
  const double smaller = std::min(a.area(), b.area());
  return smaller > 0 ? both.area() / smaller : 1;
}

void add_weighted(Face& sum, const Face& face) {
  const double w = face.score;
  sum.box.x1 += w * face.box.x1, sum.box.y1 += w * face.box.y1;
  sum.box.x2 += w * face.box.x2, sum.box.y2 += w * face.box.y2;
  for (std::size_t i = 0; i < face.points.size(); ++i)
    sum.points[i].x += w * face.points[i].x, sum.points[i].y += w * face.points[i].y;
  sum.score += w;
}

Face mean_of(Face sum, double best) {
  const double w = sum.score;
  sum.box = {sum.box.x1 / w, sum.box.y1 / w, sum.box.x2 / w, sum.box.y2 / w};
  for (auto& point : sum.points) point = {point.x / w, point.y / w};
  sum.score = best;
  return sum;
}

}  // namespace

double Face::eye_distance() const {
  return std::hypot(points[1].x - points[0].x, points[1].y - points[0].y);
}

void load_face_model(const std::filesystem::path& folder) {
  if (!model_bytes().empty()) return;
  std::error_code ignored;
  const auto beside = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  std::ifstream file((folder.empty() ? beside : folder) / "face_detection.onnx", std::ios::binary);
  if (!file) return;
  const std::string content(std::istreambuf_iterator<char>(file), {});
  const auto bytes = std::as_bytes(std::span(content));
  if (onnx::file_digest(bytes) == model_digest) model_bytes().assign(bytes.begin(), bytes.end());
}

struct FaceDetector::State {
  onnx::Session session;

  Result<void> look(const Picture& picture, const Box& square, std::vector<Face>& out, const std::stop_token& stop) {
    const auto small = cut(picture, square, side, side);
    std::vector<float> pixels(small.rgb.size());
    std::ranges::transform(small.rgb, pixels.begin(), [](int value) { return static_cast<float>(value) / 127.5f - 1; });
    const onnx::TensorView view{"input:0", {1, side, side, 3}, std::as_bytes(std::span(pixels))};
    const auto made =
        TOLL_TRY(session.run({view}, {"Identity:0", "Identity_1:0", "Identity_2:0", "Identity_3:0"}, stop));
    read(made[0].floats(), made[2].floats(), 0, anchors_of_16, square, out);
    read(made[1].floats(), made[3].floats(), anchors_of_16, anchors_of_8, square, out);
    return {};
  }

  static void read(std::span<const float> scores, std::span<const float> boxes, std::size_t first, std::size_t count,
                   const Box& square, std::vector<Face>& out) {
    if (scores.size() < count || boxes.size() < count * numbers) return;
    const double scale = square.width() / side;
    for (std::size_t i = 0; i < count; ++i) {
      const double score = 1 / (1 + std::exp(-std::clamp(static_cast<double>(scores[i]), -80.0, 80.0)));
      if (score < least_score) continue;
      const auto& anchor = anchors()[first + i];
      const auto* value = boxes.data() + i * numbers;
      const auto place = [&](double x, double y) {
        return Point{square.x1 + (anchor.x * side + x) * scale, square.y1 + (anchor.y * side + y) * scale};
      };
      const auto middle = place(value[0], value[1]);
      const double width = value[2] * scale, height = value[3] * scale;
      Face face{.box = {middle.x - width / 2, middle.y - height / 2, middle.x + width / 2, middle.y + height / 2},
                .score = score,
                .points = {}};
      for (std::size_t p = 0; p < face.points.size(); ++p) face.points[p] = place(value[4 + 2 * p], value[5 + 2 * p]);
      if (face.box.area() > 0) out.push_back(face);
    }
  }
};

FaceDetector::FaceDetector(std::unique_ptr<State> state) : state_(std::move(state)) {}
FaceDetector::~FaceDetector() = default;
FaceDetector::FaceDetector(FaceDetector&&) noexcept = default;
FaceDetector& FaceDetector::operator=(FaceDetector&&) noexcept = default;

Result<FaceDetector> FaceDetector::open() {
  if (model_bytes().empty())
    return Fault(Reason::model_unusable).with("why", "the face detector is not part of this installation");
  return FaceDetector(std::make_unique<State>(State{
      TOLL_TRY(onnx::Session::open(model_bytes(), {.threads = 1, .memory_limit = model_memory, .spin = false}))}));
}

Result<std::vector<Face>> FaceDetector::find(const Picture& picture, Depth depth, const std::stop_token& stop) {
  const double scale = reduction(picture, depth);
  const auto small = scale > 1 ? reduced(picture, scale) : Picture();
  const auto& seen = scale > 1 ? small : picture;
  std::vector<Face> all;
  for (const auto& square : squares_of(seen, depth))
    if (auto looked = state_->look(seen, square, all, stop); !looked) return std::move(looked).error();
  auto faces = without_repeats(std::move(all));
  enlarge(faces, static_cast<double>(picture.width) / seen.width, static_cast<double>(picture.height) / seen.height);
  std::erase_if(faces, [&](const Face& face) {
    return clipped(face.box, picture.width, picture.height).area() < 0.5 * face.box.area() || face.box.width() < 16;
  });
  std::ranges::stable_sort(faces, std::ranges::greater(), [](const Face& face) { return face.box.area(); });
  faces.resize(std::min(faces.size(), most_faces));
  return faces;
}

std::vector<Face> without_repeats(std::vector<Face> faces) {
  std::ranges::stable_sort(faces, std::ranges::greater(), &Face::score);
  std::vector<Face> out;
  while (!faces.empty()) {
    const Face best = faces.front();
    Face sum;
    for (const auto& face : faces)
      if (overlap(best.box, face.box) > same_face) add_weighted(sum, face);
    out.push_back(mean_of(sum, best.score));
    std::erase_if(faces, [&](const Face& face) {
      return overlap(best.box, face.box) > same_face || shared_of_smaller(best.box, face.box) > within_another;
    });
  }
  return out;
}

}  // namespace toll::engines::forensics
