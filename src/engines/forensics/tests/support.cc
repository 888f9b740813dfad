#include "engines/forensics/tests/support.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "engines/av/files.h"
#include "engines/forensics/face_detector.h"
#include "engines/forensics/writer.h"
#include "engines/onnx/runtime.h"

namespace toll::engines::forensics::tests {
namespace {

class NoProgress final : public engine::Progress {
  void report(double) override {}
};

std::uint8_t byte(double value) {
  return static_cast<std::uint8_t>(std::clamp(value + 0.5, 0.0, 255.0));
}

bool in_ellipse(double x, double y, double cx, double cy, double rx, double ry) {
  return std::pow((x - cx) / rx, 2) + std::pow((y - cy) / ry, 2) <= 1;
}

// The colour of a face at (x, y), in units of its height from its middle; false outside of it.
bool face_colour(double x, double y, const Looks& looks, double colour[3]) {
  const auto set = [&](double r, double g, double b) { colour[0] = r, colour[1] = g, colour[2] = b; };
  const double s = looks.wide;
  x /= s;
  if (!in_ellipse(x, y, 0, 0, 0.34, 0.5) && !in_ellipse(x, y, 0, -0.2, 0.38, 0.38)) return false;
  if (in_ellipse(x, y, 0, -0.22, 0.38, 0.36) && y < -0.2)
    set(looks.hair, looks.hair * 0.7, looks.hair * 0.45);
  else if (!in_ellipse(x, y, 0, 0, 0.34, 0.5))
    return false;
  else
    set(looks.skin, looks.skin * 0.77, looks.skin * 0.63);
  for (double side : {-0.15, 0.15}) {
    if (in_ellipse(x, y, side, -0.05, 0.09, 0.05)) set(250, 250, 250);
    if (in_ellipse(x, y, side, -0.05, 0.04, 0.043)) set(40, 30, 25);
    if (std::abs(x - side) < 0.11 && std::abs(y + 0.135) < 0.016) set(50, 35, 25);
  }
  if (y > -0.02 && y < 0.18 && std::abs(x) < 0.06 * (y + 0.02) / 0.2)
    set(looks.skin * 0.88, looks.skin * 0.64, looks.skin * 0.5);
  if (in_ellipse(x, y, 0, 0.28, 0.13, 0.04 + 0.05 * looks.mouth)) set(170, 60, 60);
  if (looks.mouth > 0.3 && in_ellipse(x, y, 0, 0.28, 0.09, 0.04 * looks.mouth)) set(60, 20, 20);
  return true;
}

}  // namespace

std::uint64_t Dice::next() {
  std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

double Dice::normal() {
  return std::sqrt(-2 * std::log(1 - uniform())) * std::cos(2 * std::numbers::pi * uniform());
}

// White noise smoothed along rows and columns (first-order recursions), at four scales: it falls with frequency as
// photographs do, and prefers none.
Luma scene(int width, int height, std::uint64_t seed, double noise) {
  Dice dice(seed);
  const auto pixels = static_cast<std::size_t>(width) * height;
  std::vector<double> sum(pixels, 128);
  for (auto [keep, deviation] : {std::pair{0.99, 26.0}, {0.95, 12.0}, {0.8, 5.0}, {0.5, 2.0}}) {
    std::vector<double> layer(pixels);
    // The sum of four uniform numbers is normal enough, and quick.
    for (double& value : layer) value = dice.uniform() + dice.uniform() + dice.uniform() + dice.uniform() - 2;
    const double gain = 1 - keep * keep, scale = deviation * 1.732 * gain;
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        const auto at = static_cast<std::size_t>(y) * width + x;
        if (x > 0) layer[at] += keep * layer[at - 1];
        if (y > 0) layer[at] += keep * layer[at - width];
        if (x > 0 && y > 0) layer[at] -= keep * keep * layer[at - width - 1];
        sum[at] += scale * layer[at];
      }
  }
  Luma out{width, height, {}};
  for (double value : sum) out.values.push_back(byte(value + noise * dice.normal()));
  return out;
}

Luma compressed(const Luma& luma, const QuantisationTable& table) {
  Luma out = luma;
  std::array<double, 64> basis{};
  for (std::size_t u = 0; u < 8; ++u)
    for (std::size_t x = 0; x < 8; ++x)
      basis[u * 8 + x] = (u == 0 ? std::numbers::sqrt2 / 2 : 1.0) / 2 *
                         std::cos((2 * static_cast<double>(x) + 1) * static_cast<double>(u) * std::numbers::pi / 16);
  for (int top = 0; top + 8 <= luma.height; top += 8)
    for (int left = 0; left + 8 <= luma.width; left += 8) {
      auto block = transform(luma, left, top);
      for (std::size_t i = 0; i < 64; ++i) block[i] = static_cast<float>(table[i] * std::round(block[i] / table[i]));
      for (std::size_t y = 0; y < 8; ++y)
        for (std::size_t x = 0; x < 8; ++x) {
          double sum = 128;
          for (std::size_t v = 0; v < 8; ++v)
            for (std::size_t u = 0; u < 8; ++u) sum += block[v * 8 + u] * basis[v * 8 + y] * basis[u * 8 + x];
          out.values[(static_cast<std::size_t>(top) + y) * luma.width + left + x] = byte(sum);
        }
    }
  return out;
}

void paste(Luma& luma, const Luma& part, int x, int y) {
  for (int row = 0; row < part.height; ++row)
    std::copy_n(part.values.begin() + static_cast<std::ptrdiff_t>(row) * part.width, part.width,
                luma.values.begin() + static_cast<std::ptrdiff_t>(y + row) * luma.width + x);
}

Luma piece(const Luma& luma, int x, int y, int width, int height) {
  return cut(luma, {static_cast<double>(x), static_cast<double>(y), static_cast<double>(x + width),
                    static_cast<double>(y + height)});
}

Picture portrait(int width, int height, const std::vector<Looks>& faces, std::uint64_t seed) {
  const auto background = scene(width, height, seed, 3);
  Dice dice(seed + 1);
  Picture out = grey(background);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      auto* pixel = out.at(x, y);
      pixel[0] = byte(pixel[0] * 0.5 + 30), pixel[1] = byte(pixel[1] * 0.5 + 50), pixel[2] = byte(pixel[2] * 0.5 + 70);
      for (const auto& face : faces) {
        double colour[3];
        const double unit = face.size * height;
        if (!face_colour((x - face.x * width) / unit, (y - face.y * height) / unit, face, colour)) continue;
        const double noise = 3 * dice.normal();
        for (int c = 0; c < 3; ++c) pixel[c] = byte(colour[c] + noise);
      }
    }
  return out;
}

Picture grey(const Luma& luma) {
  Picture out{luma.width, luma.height, {}};
  for (auto value : luma.values) out.rgb.insert(out.rgb.end(), 3, value);
  return out;
}

TempFile::TempFile() : fd_(::memfd_create("forensics", 0)) {
  if (fd_ < 0) throw std::runtime_error("memfd_create");
}
TempFile::TempFile(const std::string& content) : TempFile() {
  av::write_at(fd_, 0, std::as_bytes(std::span(content))).value();
}
TempFile::~TempFile() {
  if (fd_ >= 0) ::close(fd_);
}
TempFile::TempFile(TempFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

std::string TempFile::content() const {
  std::string out(static_cast<std::size_t>(av::size_of(fd_)), '\0');
  av::read_at(fd_, 0, std::as_writable_bytes(std::span(out)));
  return out;
}

TempFile jpeg_of(const Picture& picture) {
  TempFile file;
  write_jpeg(picture, file.fd()).value();
  return file;
}

TempFile film_of(int frames, double frames_per_second, const std::function<Picture(int)>& draw) {
  TempFile file;
  const auto first = draw(0);
  FilmWriter writer(file.fd(), first.width, first.height, frames_per_second);
  for (int i = 0; i < frames; ++i) writer.write(draw(i)).value();
  writer.finish().value();
  return file;
}

Run run(const Plan& plan, const TempFile& media, const std::map<std::string, const TempFile*>& inputs) {
  auto engine = make_forensics_engine();
  engine->before_sandbox();
  engine::Input input{.params = write_plan(plan)};
  input.inputs["media"] = media.fd();
  for (const auto& [name, file] : inputs) input.inputs[name] = file->fd();
  std::map<std::string, TempFile> outputs;
  for (const auto& name : output_files(plan)) {
    const auto [at, added] = outputs.emplace(name, TempFile());
    input.outputs[name] = at->second.fd();
  }
  NoProgress progress;
  auto output = engine->run(input, progress, {});
  if (!output) return {std::move(output).error(), {}};
  Run out{parse_answer(output->answer), {}};
  for (const auto& [name, file] : outputs)
    if (auto content = file.content(); !content.empty()) out.files[name] = std::move(content);
  return out;
}

bool has_face_detector() {
  (void)onnx::load_runtime().has_value();
  load_face_model(TOLL_BINARY_DIR);
  return FaceDetector::open().has_value();
}

}  // namespace toll::engines::forensics::tests
