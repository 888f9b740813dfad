#include "engine/tests/codec_engine.h"

#include <fftw3.h>

extern "C" {
#include <libavcodec/avcodec.h>
}

#include <cmath>
#include <memory>
#include <numbers>
#include <vector>

namespace toll::engine::testing {

namespace {

struct Closer {
  void operator()(AVCodecContext* c) const { avcodec_free_context(&c); }
  void operator()(AVFrame* f) const { av_frame_free(&f); }
  void operator()(AVPacket* p) const { av_packet_free(&p); }
};
template <class T>
using Owned = std::unique_ptr<T, Closer>;

constexpr int sample_rate = 44100;

Owned<AVCodecContext> open_codec(const AVCodec* codec) {
  Owned<AVCodecContext> context(avcodec_alloc_context3(codec));
  context->sample_rate = sample_rate;
  context->sample_fmt = AV_SAMPLE_FMT_FLTP;
  context->bit_rate = 128'000;
  context->thread_count = 2;
  av_channel_layout_default(&context->ch_layout, 2);
  if (avcodec_open2(context.get(), codec, nullptr) < 0) return nullptr;
  return context;
}

std::vector<Owned<AVPacket>> encoded_sine(AVCodecContext& encoder) {
  std::vector<Owned<AVPacket>> packets;
  Owned<AVFrame> frame(av_frame_alloc());
  frame->nb_samples = encoder.frame_size;
  frame->format = encoder.sample_fmt;
  av_channel_layout_copy(&frame->ch_layout, &encoder.ch_layout);
  for (std::int64_t at = 0; at <= sample_rate; at += frame->nb_samples) {
    av_frame_get_buffer(frame.get(), 0);
    for (int channel = 0; channel < 2; ++channel)
      for (int i = 0; i < frame->nb_samples; ++i)
        reinterpret_cast<float*>(frame->data[channel])[i] =
            static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * 440 * static_cast<double>(at + i) / sample_rate));
    frame->pts = at;
    avcodec_send_frame(&encoder, frame.get());
    for (Owned<AVPacket> packet(av_packet_alloc()); avcodec_receive_packet(&encoder, packet.get()) == 0;
         packet.reset(av_packet_alloc()))
      packets.push_back(std::move(packet));
  }
  return packets;
}

}  // namespace

Result<Output> run_codecs(const Input&, Progress&, std::stop_token) {
  auto encoder = open_codec(avcodec_find_encoder_by_name("libmp3lame"));
  auto decoder = open_codec(avcodec_find_decoder(AV_CODEC_ID_MP3));
  if (!encoder || !decoder) return Fault(Reason::internal).because("no codec");
  std::int64_t samples = 0;
  Owned<AVFrame> frame(av_frame_alloc());
  for (const auto& packet : encoded_sine(*encoder)) {
    avcodec_send_packet(decoder.get(), packet.get());
    while (avcodec_receive_frame(decoder.get(), frame.get()) == 0) samples += frame->nb_samples;
  }
  return Output{"{\"value\":" + std::to_string(samples) + "}"};
}

Result<Output> run_spectrum(const Input&, Progress&, std::stop_token) {
  constexpr int size = 4096, tone = 100;
  std::vector<float> wave(size);
  std::vector<fftwf_complex> bins(size / 2 + 1);
  fftwf_plan plan = fftwf_plan_dft_r2c_1d(size, wave.data(), bins.data(), FFTW_MEASURE);
  for (int i = 0; i < size; ++i)
    wave[static_cast<std::size_t>(i)] = std::cos(2 * std::numbers::pi_v<float> * tone * i / size);
  fftwf_execute(plan);
  fftwf_destroy_plan(plan);
  std::size_t best = 0;
  for (std::size_t i = 1; i < bins.size(); ++i)
    if (std::hypot(bins[i][0], bins[i][1]) > std::hypot(bins[best][0], bins[best][1])) best = i;
  return Output{"{\"value\":" + std::to_string(best) + "}"};
}

}  // namespace toll::engine::testing
