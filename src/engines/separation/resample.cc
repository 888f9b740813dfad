#include "engines/separation/resample.h"

extern "C" {
#include <libavutil/opt.h>
}

#include <algorithm>
#include <array>
#include <cmath>

#include "engines/separation/separation.h"

namespace toll::engines::separation {
namespace {

constexpr int slowest_rate = 100, fastest_rate = 1'600'000;
constexpr int most_channels = 64;               // SWR_CH_MAX of libswresample
constexpr std::int64_t largest_step = 1 << 16;  // frames out of one call, whatever the ratio of the rates
constexpr float loudest = 16;

std::uint64_t mask_of(const AVChannelLayout& layout) {
  return layout.order == AV_CHANNEL_ORDER_NATIVE ? layout.u.mask : 0;
}

// Layouts without speaker positions (more than eight unnamed channels, say) give their first two channels.
void take_first_two(SwrContext* swr, int channels) {
  std::vector<double> matrix(2 * static_cast<std::size_t>(channels), 0.0);
  matrix[0] = 1;
  matrix[static_cast<std::size_t>(channels) + 1] = 1;
  swr_set_matrix(swr, matrix.data(), channels);
}

av::AvPtr<SwrContext> make_swr(const AVFrame& frame, AVChannelLayout in, AVChannelLayout out, bool by_position) {
  SwrContext* raw = nullptr;
  if (swr_alloc_set_opts2(&raw, &out, AV_SAMPLE_FMT_FLT, sample_rate, &in, static_cast<AVSampleFormat>(frame.format),
                          frame.sample_rate, 0, nullptr) < 0)
    return nullptr;
  av::AvPtr<SwrContext> swr(raw);
  av_opt_set_double(raw, "rematrix_maxval", 1.0, 0);
  if (!by_position) take_first_two(raw, in.nb_channels);
  return swr_init(raw) < 0 ? nullptr : std::move(swr);
}

}  // namespace

bool Resampler::configure(const AVFrame& frame) {
  swr_.reset();
  format_ = static_cast<AVSampleFormat>(frame.format);
  rate_ = frame.sample_rate;
  channels_ = frame.ch_layout.nb_channels;
  layout_mask_ = mask_of(frame.ch_layout);
  doubled_ = channels_ == 1;
  if (rate_ < slowest_rate || rate_ > fastest_rate || channels_ < 1 || channels_ > most_channels) return false;
  AVChannelLayout in{}, out{};
  av_channel_layout_default(&out, doubled_ ? 1 : 2);
  // One or two channels are taken as they are, whatever speakers the file names.
  if (layout_mask_ && channels_ > 2)
    av_channel_layout_from_mask(&in, layout_mask_);
  else
    av_channel_layout_default(&in, channels_);
  swr_ = make_swr(frame, in, out, true);
  if (!swr_ && channels_ > 2) swr_ = make_swr(frame, in, out, false);
  return swr_ != nullptr;
}

bool Resampler::add(const AVFrame& frame, std::vector<float>& stereo) {
  if (frame.nb_samples <= 0) return true;
  const bool same = swr_ && frame.format == format_ && frame.sample_rate == rate_ &&
                    frame.ch_layout.nb_channels == channels_ && mask_of(frame.ch_layout) == layout_mask_;
  if (!same) {
    flush(stereo);
    if (!configure(frame)) return false;
  }
  const bool planar = av_sample_fmt_is_planar(format_);
  const int plane_count = planar ? channels_ : 1;
  const std::size_t stride = static_cast<std::size_t>(av_get_bytes_per_sample(format_)) * (planar ? 1 : channels_);
  const int step = static_cast<int>(std::max<std::int64_t>(1, largest_step * rate_ / std::max(rate_, sample_rate)));
  std::array<const std::uint8_t*, most_channels> planes{};
  for (int done = 0; done < frame.nb_samples; done += step) {
    for (int p = 0; p < plane_count; ++p) planes[p] = frame.extended_data[p] + stride * static_cast<std::size_t>(done);
    if (!convert(planes.data(), std::min(step, frame.nb_samples - done), stereo)) return false;
  }
  return true;
}

void Resampler::flush(std::vector<float>& stereo) {
  if (!swr_) return;
  for (std::size_t before = stereo.size() + 1; before != stereo.size();) {
    before = stereo.size();
    if (!convert(nullptr, 0, stereo)) break;
  }
  swr_.reset();
}

bool Resampler::convert(const std::uint8_t** planes, int frames, std::vector<float>& stereo) {
  const int room = swr_get_out_samples(swr_.get(), frames);
  if (room < 0) return false;
  const std::size_t before = stereo.size();
  stereo.resize(before + 2 * static_cast<std::size_t>(room));
  if (doubled_) mono_.resize(static_cast<std::size_t>(room));
  auto* out = reinterpret_cast<std::uint8_t*>(doubled_ ? mono_.data() : stereo.data() + before);
  const int got = room > 0 ? swr_convert(swr_.get(), &out, room, planes, frames) : 0;
  stereo.resize(before + 2 * static_cast<std::size_t>(std::max(got, 0)));
  if (doubled_)
    for (int i = 0; i < got; ++i) stereo[before + 2 * i] = stereo[before + 2 * i + 1] = mono_[i];
  for (std::size_t i = before; i < stereo.size(); ++i)
    stereo[i] = std::isnan(stereo[i]) ? 0.0f : std::clamp(stereo[i], -loudest, loudest);
  return got >= 0;
}

}  // namespace toll::engines::separation
