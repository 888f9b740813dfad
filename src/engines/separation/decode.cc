#include "engines/separation/decode.h"

#include <algorithm>
#include <limits>
#include <string>

#include "engines/av/av.h"
#include "engines/separation/resample.h"

namespace toll::engines::separation {
namespace {

// Self-contained media formats only: none of these opens a second file.
constexpr const char* formats =
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,ast,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,iff,loas,matroska,mlp,mov,mp3,mpc,"
    "mpc8,mpeg,mpegts,mxf,nut,ogg,oma,qcp,rm,sox,tak,truehd,tta,voc,w64,wav,wv,xwma";
// A demuxer that yields nothing but errors would otherwise keep us for ever.
constexpr int most_errors_in_a_row = 1000;

// Video decoders are never opened, not even to probe.
const std::string& audio_decoders() {
  static const std::string names = [] {
    std::string list;
    void* position = nullptr;
    while (const AVCodec* codec = av_codec_iterate(&position))
      if (av_codec_is_decoder(codec) && codec->type == AVMEDIA_TYPE_AUDIO) list += std::string(",") + codec->name;
    return list.substr(1);
  }();
  return names;
}

int refuse_to_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EPERM);
}
int interrupted(void* file) {
  return static_cast<av::AvFile*>(file)->stopped();
}

struct CloseInput {
  void operator()(AVFormatContext* p) const { avformat_close_input(&p); }
};

}  // namespace

struct Decoder::State {
  State(int fd, std::int64_t max_seconds, std::stop_token stop)
      : file(fd, av::AvFile::Mode::read, std::move(stop)), max_seconds(max_seconds) {}

  av::AvFile file;
  std::unique_ptr<AVFormatContext, CloseInput> format;
  av::AvPtr<AVCodecContext> codec;
  av::AvPtr<AVPacket> packet = av::owned(av_packet_alloc());
  av::AvPtr<AVFrame> frame = av::owned(av_frame_alloc());
  Resampler resampler;
  int stream = -1;
  std::int64_t max_seconds;
  std::vector<float> ready;  // decoded and not yet read
  std::size_t taken = 0;     // of ready
  std::int64_t frames = 0;   // given out so far
  int errors = 0;
  bool ended = false;

  std::optional<Fault> open_container();
  std::optional<Fault> open_codec();
  void fill();
  void receive();
  void finish();
};

std::optional<Fault> Decoder::State::open_container() {
  auto* context = avformat_alloc_context();
  if (!context) throw std::bad_alloc();
  context->pb = file.context();
  context->flags |= AVFMT_FLAG_CUSTOM_IO;
  context->io_open = &refuse_to_open;
  context->interrupt_callback = {&interrupted, &file};
  context->format_whitelist = av_strdup(formats);
  context->codec_whitelist = av_strdup(audio_decoders().c_str());
  context->protocol_whitelist = av_strdup("none");
  const int opened = avformat_open_input(&context, nullptr, nullptr, nullptr);  // frees the context when it fails
  if (opened < 0) return Fault(Reason::undecodable_audio).because("container: " + av::av_error_text(opened));
  format.reset(context);
  for (unsigned i = 0; i < context->nb_streams; ++i)
    if (context->streams[i]->codecpar->codec_type != AVMEDIA_TYPE_AUDIO) context->streams[i]->discard = AVDISCARD_ALL;
  const int known = avformat_find_stream_info(context, nullptr);
  if (known < 0) return Fault(Reason::undecodable_audio).because("streams: " + av::av_error_text(known));
  return {};
}

std::optional<Fault> Decoder::State::open_codec() {
  const AVCodec* decoder = nullptr;
  stream = av_find_best_stream(format.get(), AVMEDIA_TYPE_AUDIO, -1, -1, &decoder, 0);
  if (stream < 0 || !decoder)
    return Fault(Reason::undecodable_audio).with("streams", "none").because("no audio stream with a known decoder");
  for (unsigned i = 0; i < format->nb_streams; ++i)
    format->streams[i]->discard = static_cast<int>(i) == stream ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  codec = av::owned(avcodec_alloc_context3(decoder));
  codec->thread_count = 1;
  codec->pkt_timebase = format->streams[stream]->time_base;  // without it, encoder delay and padding would stay in
  int result = avcodec_parameters_to_context(codec.get(), format->streams[stream]->codecpar);
  if (result >= 0) result = avcodec_open2(codec.get(), decoder, nullptr);
  if (result < 0) return Fault(Reason::undecodable_audio).because("decoder: " + av::av_error_text(result));
  return {};
}

void Decoder::State::receive() {
  while (avcodec_receive_frame(codec.get(), frame.get()) >= 0) {
    if (resampler.add(*frame, ready)) errors = 0;
    av_frame_unref(frame.get());
  }
}

void Decoder::State::finish() {
  avcodec_send_packet(codec.get(), nullptr);
  receive();
  resampler.flush(ready);
  ended = true;
}

// Decodes one packet, or what is left at the end.
void Decoder::State::fill() {
  const int result = av_read_frame(format.get(), packet.get());
  if (result == AVERROR_EOF || ++errors > most_errors_in_a_row) return finish();
  if (result < 0) return;
  if (packet->stream_index == stream) {
    avcodec_send_packet(codec.get(), packet.get());  // a damaged packet is refused here and left out
    receive();
  } else {
    errors = 0;
  }
  av_packet_unref(packet.get());
}

Decoder::Decoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

Result<Decoder> Decoder::open(int fd, std::int64_t max_seconds, std::stop_token stop) {
  av::prepare_ffmpeg();
  auto state = std::make_unique<State>(fd, max_seconds, std::move(stop));
  auto fault = state->open_container();
  if (!fault) fault = state->open_codec();
  if (auto failed = state->file.failure()) return *std::move(failed);
  if (state->file.stopped()) return Reason::cancelled;
  if (fault) return *std::move(fault);
  return Decoder(std::move(state));
}

Result<std::size_t> Decoder::read(std::span<float> stereo) {
  auto& s = *state_;
  std::size_t done = 0;
  while (done < stereo.size()) {
    if (s.taken == s.ready.size()) {
      s.ready.clear();
      s.taken = 0;
      if (s.ended) break;
      s.fill();
      if (auto failed = s.file.failure()) return *std::move(failed);
      if (s.file.stopped()) return Reason::cancelled;
      continue;
    }
    const auto count = std::min(stereo.size() - done, s.ready.size() - s.taken);
    std::copy_n(s.ready.begin() + static_cast<std::ptrdiff_t>(s.taken), count,
                stereo.begin() + static_cast<std::ptrdiff_t>(done));
    s.taken += count;
    done += count;
  }
  s.frames += static_cast<std::int64_t>(done / 2);
  if (s.frames == 0 && s.ended) return Fault(Reason::undecodable_audio).because("not one sample could be decoded");
  if (s.frames / sample_rate >= s.max_seconds && s.frames > s.max_seconds * sample_rate)
    return Fault(Reason::audio_too_long).with("limit", std::to_string(s.max_seconds));
  return done / 2;
}

Result<Measured> Decoder::measure() {
  auto& s = *state_;
  Measured out;
  auto count = [&] {
    while (avcodec_receive_frame(s.codec.get(), s.frame.get()) >= 0) {
      out.frames += s.frame->nb_samples;
      s.errors = 0;
      av_frame_unref(s.frame.get());
    }
  };
  for (;;) {
    const int got = av_read_frame(s.format.get(), s.packet.get());
    if (auto failed = s.file.failure()) return *std::move(failed);
    if (s.file.stopped()) return Reason::cancelled;
    if (got == AVERROR_EOF || ++s.errors > most_errors_in_a_row) break;
    if (got < 0) continue;
    if (s.packet->stream_index == s.stream) {
      ++out.packets;
      if (avcodec_send_packet(s.codec.get(), s.packet.get()) < 0) ++out.damaged;
      count();
    } else {
      s.errors = 0;
    }
    av_packet_unref(s.packet.get());
    if (s.codec->sample_rate > 0 && out.frames / s.codec->sample_rate >= s.max_seconds &&
        out.frames > s.max_seconds * s.codec->sample_rate)
      return Fault(Reason::audio_too_long).with("limit", std::to_string(s.max_seconds));
  }
  avcodec_send_packet(s.codec.get(), nullptr);
  count();
  if (out.frames == 0) return Fault(Reason::undecodable_audio).because("not one sample could be decoded");
  return out;
}

AudioInfo Decoder::info() const {
  const auto& s = *state_;
  AudioInfo info{.container = s.format->iformat->name,
                 .codec = avcodec_get_name(s.codec->codec_id),
                 .channels = s.codec->ch_layout.nb_channels,
                 .sample_rate = s.codec->sample_rate,
                 .duration_seconds = {}};
  if (s.format->duration > 0) info.duration_seconds = static_cast<double>(s.format->duration) / AV_TIME_BASE;
  info.exact_duration = s.format->duration_estimation_method != AVFMT_DURATION_FROM_BITRATE;
  for (unsigned i = 0; i < s.format->nb_streams; ++i) {
    const AVStream& stream = *s.format->streams[i];
    info.pictures_move |=
        stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !(stream.disposition & AV_DISPOSITION_ATTACHED_PIC);
  }
  // Ogg keeps its tags with the stream.
  for (const AVDictionary* tags : {s.format->metadata, s.format->streams[s.stream]->metadata})
    if (const auto* title = av_dict_get(tags, "title", nullptr, 0); title && !info.title) info.title = title->value;
  return info;
}

double Decoder::position() const {
  const auto& file = state_->file;
  return file.size() > 0 ? std::clamp(static_cast<double>(file.position()) / static_cast<double>(file.size()), 0.0, 1.0)
                         : 0;
}

Result<AudioInfo> probe(int fd, std::stop_token stop) {
  constexpr auto no_limit = std::numeric_limits<std::int64_t>::max() / sample_rate;
  auto decoder = TOLL_TRY(Decoder::open(fd, no_limit, std::move(stop)));
  std::vector<float> little(2);
  TOLL_TRY(decoder.read(little));
  return decoder.info();
}

}  // namespace toll::engines::separation
