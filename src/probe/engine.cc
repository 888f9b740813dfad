// The worker's side.
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <stdexcept>

#include "base/text.h"
#include "engines/separation/decode.h"
#include "probe/kind.h"
#include "probe/probe.h"
#include "probe/recording.h"

namespace toll::probe {

namespace {

using engines::separation::AudioInfo;
using engines::separation::Decoder;
using engines::separation::Measured;

// One damaged packet in ten is a damaged file; fewer are a click.
constexpr std::int64_t tolerated_damage = 10;
constexpr std::size_t longest_title = 2000;  // bytes

std::optional<Magic> magic_of_file(int fd) {
  std::array<std::byte, 12> head{};
  const auto got = ::pread(fd, head.data(), head.size(), 0);
  return magic_of(std::span(head).first(got > 0 ? static_cast<std::size_t>(got) : 0));
}

bool is_empty(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && status.st_size == 0;
}

Fault damaged(std::string why) {
  return Fault(Reason::undecodable_audio).because(std::move(why));
}

// What is there must come to what the file says of itself, but for the padding that encoders add and cut.
bool ends_early(const AudioInfo& info, const Measured& measured) {
  if (!info.duration_seconds || !info.exact_duration || info.sample_rate <= 0) return false;
  const double there = static_cast<double>(measured.frames) / info.sample_rate;
  return there < 0.98 * *info.duration_seconds - 0.25;
}

Result<Recording> measure(int fd, std::int64_t max_seconds, std::stop_token stop) {
  if (is_empty(fd)) return damaged("no bytes");
  const auto magic = magic_of_file(fd);
  if (!magic) return Fault(Reason::unsupported_file).because("unknown first bytes");
  auto opened = Decoder::open(fd, max_seconds, std::move(stop));
  // A film without sound is no damaged song.
  if (!opened && opened.error().argument("streams") == "none")
    return Fault(Reason::unsupported_file).because(opened.error().cause());
  auto decoder = TOLL_TRY(std::move(opened));
  const auto info = decoder.info();
  const auto type = content_type_of(*magic, info.container, info.codec, info.pictures_move);
  if (!type) return Fault(Reason::unsupported_file).because(info.container + " with " + info.codec);
  const auto measured = TOLL_TRY(decoder.measure());
  if (measured.damaged * tolerated_damage > measured.packets) return damaged("too many damaged packets");
  if (ends_early(info, measured)) return damaged("ends before its time");
  const auto after = decoder.info();  // the decoder knows rate and channels better than the header
  Recording out{.content_type = std::string(*type),
                .codec = after.codec,
                .frames = measured.frames,
                .sample_rate = after.sample_rate,
                .channels = after.channels,
                .title = {}};
  if (after.title && valid_utf8(*after.title) && !trim(*after.title).empty())
    out.title = std::string(utf8_prefix(trim(*after.title), longest_title));
  return out;
}

struct Task {
  bool measure = false;
  std::int64_t max_seconds = 0;
};

Result<Task> parse_task(std::string_view params) try {
  const auto object = boost::json::parse(params).as_object();
  if (object.at("task").as_string() == "has_audio") return Task{};
  return Task{true, object.at("max_seconds").to_number<std::int64_t>()};
} catch (const std::exception& error) {
  return Fault(Reason::invalid_request).because(std::string("probe params: ") + error.what());
}

class ProbeEngine final : public engine::Engine {
 public:
  engine::Description describe() const override {
    return {std::string(engine_name), "Says what audio a file holds, if any."};
  }
  Result<engine::Output> run(const engine::Input& input, engine::Progress&, std::stop_token stop) override {
    const auto task = TOLL_TRY(parse_task(input.params));
    const auto file = input.inputs.find("audio");
    if (file == input.inputs.end()) throw std::invalid_argument("probe: no descriptor for audio");
    if (!task.measure) {
      TOLL_TRY(engines::separation::probe(file->second, std::move(stop)));
      return engine::Output{};
    }
    const auto recording = TOLL_TRY(measure(file->second, task.max_seconds, std::move(stop)));
    return engine::Output{write_recording(recording)};
  }
};

}  // namespace

std::unique_ptr<engine::Engine> make_engine() {
  return std::make_unique<ProbeEngine>();
}

}  // namespace toll::probe
