#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <stdexcept>

#include "engines/av/files.h"
#include "engines/separation/chunks.h"
#include "engines/separation/decode.h"
#include "engines/separation/encode.h"
#include "engines/separation/parallel.h"
#include "engines/separation/separation.h"
#include "engines/separation/spectral.h"
#include "engines/separation/trained.h"
#include "engines/separation/trained_spleeter.h"
#include "engines/spleeter/separator.h"

namespace toll::engines::separation {
namespace {

constexpr double spectral_pass = 0.6, trained_pass = 0.97;  // share of the progress: decode and separate; then encode
constexpr std::size_t block = 1 << 14;                      // frames encoded between two looks at the stop token
constexpr float full_scale = 32767.0f / 32768.0f;
constexpr std::int64_t float_frame = 2 * sizeof(float);

int descriptor(const std::map<std::string, int>& files, const std::string& name) {
  const auto found = files.find(name);
  if (found == files.end()) throw std::invalid_argument("separation: no descriptor for " + name);
  return found->second;
}

// Reports what never falls, from any thread.
class Meter {
 public:
  explicit Meter(engine::Progress& progress) : progress_(progress) {}
  void set(double fraction) {
    std::lock_guard lock(mutex_);
    if (fraction <= reached_) return;
    reached_ = std::min(fraction, 1.0);
    progress_.report(reached_);
  }

 private:
  std::mutex mutex_;
  engine::Progress& progress_;
  double reached_ = 0;
};

// The stems in one output: itself, or, of "no_vocals", all but the vocals. Numbers in the order that the method makes.
struct Mixdown {
  std::vector<std::size_t> stems;
};

std::vector<Mixdown> mixdowns_of(const Plan& plan, const std::vector<std::string>& made) {
  std::vector<Mixdown> all;
  for (const auto& name : output_stems(plan)) {
    Mixdown mixdown;
    const std::string all_but = plan.two_stem ? "no_" + *plan.two_stem : std::string();
    const auto taken_in = [&](const std::string& stem) {
      return name == "other" && std::ranges::find(plan.into_other, stem) != plan.into_other.end();
    };
    for (std::size_t s = 0; s < made.size(); ++s)
      if (name == made[s] || (name == all_but && made[s] != *plan.two_stem) || (!plan.two_stem && taken_in(made[s])))
        mixdown.stems.push_back(s);
    all.push_back(std::move(mixdown));
  }
  return all;
}

struct Job {
  Plan plan;
  const engine::Input& input;
  Meter& meter;
  std::stop_token stop;
};

struct Separated {
  std::int64_t frames = 0;
  float peak = 0;
};

// Takes the stems of a stretch: into the scratch files, mixed down, with the largest magnitude.
class ScratchStems {
 public:
  ScratchStems(const Job& job, std::vector<Mixdown> mixdowns, Separated& out)
      : job_(job), mixdowns_(std::move(mixdowns)), out_(out) {}
  Result<void> store(std::int64_t frame, const std::vector<std::vector<float>>& stems) {
    for (std::size_t i = 0; i < mixdowns_.size(); ++i) {
      std::vector<float> samples(stems.front().size());
      for (std::size_t s : mixdowns_[i].stems)
        std::transform(samples.begin(), samples.end(), stems[s].begin(), samples.begin(), std::plus<>());
      for (float x : samples) out_.peak = std::max(out_.peak, std::abs(x));
      auto written = av::write_at(job_.input.scratch[i], frame * float_frame, std::as_bytes(std::span(samples)));
      if (!written) return written;
    }
    return {};
  }

 private:
  const Job& job_;
  std::vector<Mixdown> mixdowns_;
  Separated& out_;
};

// First pass: the outputs as float samples in the scratch files.
Result<Separated> separate_spectrally(const Job& job) {
  auto decoder =
      TOLL_TRY(Decoder::open(descriptor(job.input.inputs, std::string(input_name)), job.plan.max_seconds, job.stop));
  Separated out;
  ScratchStems scratch(job, mixdowns_of(job.plan, {stem_names.begin(), stem_names.end()}), out);
  auto store = [&](std::int64_t frame, const std::vector<std::vector<float>>& stems) {
    auto stored = scratch.store(frame, stems);
    job.meter.set(spectral_pass * decoder.position());
    return stored;
  };
  auto separate = [&](std::span<const float> stereo) {
    auto stems = separate_spectral(stereo, job.stop);
    return std::vector<std::vector<float>>(std::make_move_iterator(stems.begin()),
                                           std::make_move_iterator(stems.end()));
  };
  auto read = [&](std::span<float> stereo) { return decoder.read(stereo); };
  out.frames = TOLL_TRY(separate_in_chunks({}, read, separate, store, job.stop));
  return out;
}

// The same with trained models.
Result<Separated> separate_with_models(const Job& job) {
  std::vector<int> files;
  for (const auto& name : input_files(job.plan)) files.push_back(descriptor(job.input.inputs, name));
  auto models = TOLL_TRY(TrainedSeparation::open(job.plan, {files.begin() + 1, files.end()}));
  Separated out;
  ScratchStems scratch(job, mixdowns_of(job.plan, models.sources()), out);
  out.frames = TOLL_TRY(models.run(
      {files.front(), job.input.scratch.back(), job.plan.max_seconds},
      [&](std::int64_t frame, const std::vector<std::vector<float>>& stems) { return scratch.store(frame, stems); },
      [&](double done) { job.meter.set(trained_pass * done); }, job.stop));
  return out;
}

Result<Separated> separate_with_spleeter(const Job& job) {
  auto trained = TOLL_TRY(open_spleeter(job.plan, descriptor(job.input.inputs, input_files(job.plan).back())));
  auto decoder =
      TOLL_TRY(Decoder::open(descriptor(job.input.inputs, std::string(input_name)), job.plan.max_seconds, job.stop));
  Separated out;
  ScratchStems scratch(job, mixdowns_of(job.plan, trained.model.shape().sources), out);
  const auto read = [&](std::span<float> stereo) { return decoder.read(stereo); };
  const auto store = [&](std::int64_t frame, const std::vector<std::vector<float>>& stems) {
    auto stored = scratch.store(frame, stems);
    job.meter.set(trained_pass * decoder.position());
    return stored;
  };
  out.frames = TOLL_TRY(spleeter::separate_song(trained.model, {}, read, store, job.stop));
  return out;
}

Result<Separated> separate_to_scratch(const Job& job) {
  if (job.plan.method == "spleeter") return separate_with_spleeter(job);
  return job.plan.models ? separate_with_models(job) : separate_spectrally(job);
}

// One output file from one scratch file.
Result<void> encode_file(const Job& job, int scratch, const std::string& name, std::int64_t frames, float scale,
                         const std::function<void(std::int64_t)>& advanced) {
  auto encoder = make_encoder(format_of(name), descriptor(job.input.outputs, name), frames);
  std::vector<float> samples;
  for (std::int64_t at = 0; at < frames;) {
    if (job.stop.stop_requested()) return Reason::cancelled;
    const auto count = std::min<std::int64_t>(block, frames - at);
    samples.resize(2 * static_cast<std::size_t>(count));
    if (av::read_at(scratch, at * float_frame, std::as_writable_bytes(std::span(samples))) !=
        samples.size() * sizeof(float))
      throw std::runtime_error("a scratch file became shorter");
    for (float& x : samples) x *= scale;
    if (auto written = encoder->write(samples); !written) return written;
    at += count;
    advanced(count);
  }
  return encoder->finish();
}

// Second pass: every format of every stem, several files at once.
Result<void> encode_all(const Job& job, std::int64_t frames, float scale) {
  const auto names = output_files(job.plan);
  const std::size_t formats = names.size() / output_stems(job.plan).size();
  const double first_pass = job.plan.models ? trained_pass : spectral_pass;
  std::atomic<std::int64_t> done{0};
  std::mutex mutex;
  std::optional<Fault> fault;
  std::stop_source failed;
  std::stop_callback forward(job.stop, [&] { failed.request_stop(); });
  parallel_for(names.size(), 1, failed.get_token(), [&](std::size_t begin, std::size_t) {
    // MP3 takes longest: start those first, so that the threads end together.
    const std::size_t stems = names.size() / formats, format = formats - 1 - begin / stems, stem = begin % stems;
    auto encoded =
        encode_file({job.plan, job.input, job.meter, failed.get_token()}, job.input.scratch[stem],
                    names[stem * formats + format], frames, scale, [&](std::int64_t count) {
                      const double share = static_cast<double>(done += count) / static_cast<double>(frames);
                      job.meter.set(first_pass + (1 - first_pass) * share / static_cast<double>(names.size()));
                    });
    if (encoded) return;
    std::lock_guard lock(mutex);
    if (!fault) fault = std::move(encoded).error();
    failed.request_stop();
  });
  if (fault) return *std::move(fault);
  if (job.stop.stop_requested()) return Reason::cancelled;
  return {};
}

class SeparationEngine final : public engine::Engine {
 public:
  engine::Description describe() const override {
    return {"separation", "Splits music into vocals, drums, bass and the rest."};
  }
  void before_sandbox() override { load_trained_runtime(); }

  Result<engine::Output> run(const engine::Input& input, engine::Progress& progress, std::stop_token stop) override {
    Meter meter(progress);
    const Job job{TOLL_TRY(parse_plan(input.params)), input, meter, std::move(stop)};
    if (input.scratch.size() < scratch_files(job.plan))
      throw std::invalid_argument("separation: too few scratch files");
    for (const auto& name : output_files(job.plan)) descriptor(input.outputs, name);

    const Separated separated = TOLL_TRY(separate_to_scratch(job));
    const float scale = separated.peak > 1 ? full_scale / separated.peak : 1;
    if (auto encoded = encode_all(job, separated.frames, scale); !encoded) return std::move(encoded).error();
    meter.set(1);
    return engine::Output{write_answer({.duration_seconds = static_cast<double>(separated.frames) / sample_rate,
                                        .frames = separated.frames,
                                        .sample_rate = sample_rate,
                                        .scale = scale,
                                        .peak = separated.peak})};
  }
};

}  // namespace

std::unique_ptr<engine::Engine> make_separation_engine() {
  return std::make_unique<SeparationEngine>();
}

}  // namespace toll::engines::separation
