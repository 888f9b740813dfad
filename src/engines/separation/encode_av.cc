#include "engines/separation/encode_av.h"

#include <algorithm>
#include <stdexcept>

#include "engines/av/av.h"
#include "engines/separation/separation.h"

namespace toll::engines::separation {
namespace {

// LAME's -q: at this bit rate a slower search is not heard, and twice as slow.
constexpr int mp3_effort = 7;

struct FreeOutput {
  void operator()(AVFormatContext* p) const { avformat_free_context(p); }
};

[[noreturn]] void fail(const char* what, int code) {
  throw std::runtime_error(std::string(what) + ": " + av::av_error_text(code));
}
void must(const char* what, int code) {
  if (code < 0) fail(what, code);
}

class AvEncoder final : public Encoder {
 public:
  AvEncoder(Format format, int fd) : file_(fd, av::AvFile::Mode::write, {}) {
    open_codec(format);
    open_container(format);
  }

  Result<void> write(std::span<const float> stereo) override {
    while (!stereo.empty()) {
      const auto count = std::min(stereo.size(), 2 * static_cast<std::size_t>(codec_->frame_size) - held_.size());
      held_.insert(held_.end(), stereo.begin(), stereo.begin() + static_cast<std::ptrdiff_t>(count));
      stereo = stereo.subspan(count);
      if (held_.size() < 2 * static_cast<std::size_t>(codec_->frame_size)) break;
      if (auto sent = send_held(); !sent) return sent;
    }
    return {};
  }

  Result<void> finish() override {
    if (!held_.empty())
      if (auto sent = send_held(); !sent) return sent;
    must("flush", avcodec_send_frame(codec_.get(), nullptr));
    if (auto drained = drain(); !drained) return drained;
    return check("trailer", av_write_trailer(container_.get()));
  }

 private:
  void open_codec(Format format) {
    av::prepare_ffmpeg();
    const AVCodec* codec = avcodec_find_encoder_by_name(format == Format::flac ? "flac" : "libmp3lame");
    if (!codec) throw std::runtime_error("an audio encoder is missing from libavcodec");
    codec_ = av::owned(avcodec_alloc_context3(codec));
    codec_->sample_rate = sample_rate;
    av_channel_layout_default(&codec_->ch_layout, 2);
    codec_->sample_fmt = format == Format::flac ? AV_SAMPLE_FMT_S16 : AV_SAMPLE_FMT_FLTP;
    codec_->time_base = {1, sample_rate};
    codec_->flags |= AV_CODEC_FLAG_BITEXACT;
    codec_->thread_count = 1;
    if (format == Format::mp3) {
      codec_->bit_rate = 320'000;
      codec_->compression_level = mp3_effort;
    }
    must("encoder", avcodec_open2(codec_.get(), codec, nullptr));
  }

  void open_container(Format format) {
    AVFormatContext* container = nullptr;
    must("muxer",
         avformat_alloc_output_context2(&container, nullptr, format == Format::flac ? "flac" : "mp3", nullptr));
    container_.reset(container);
    container->pb = file_.context();
    container->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    auto* stream = avformat_new_stream(container, nullptr);
    if (!stream) throw std::bad_alloc();
    stream->time_base = codec_->time_base;
    must("parameters", avcodec_parameters_from_context(stream->codecpar, codec_.get()));
  }

  Result<void> send_held() {
    const int frames = static_cast<int>(held_.size() / 2);
    auto frame = av::owned(av_frame_alloc());
    frame->nb_samples = frames;
    frame->format = codec_->sample_fmt;
    frame->sample_rate = sample_rate;
    must("layout", av_channel_layout_copy(&frame->ch_layout, &codec_->ch_layout));
    must("frame", av_frame_get_buffer(frame.get(), 0));
    if (codec_->sample_fmt == AV_SAMPLE_FMT_S16) {
      std::transform(held_.begin(), held_.end(), reinterpret_cast<std::int16_t*>(frame->data[0]), to_16_bit);
    } else {
      for (std::size_t i = 0; i < held_.size(); ++i)
        reinterpret_cast<float*>(frame->extended_data[i % 2])[i / 2] = std::clamp(held_[i], -1.0f, 1.0f);
    }
    frame->pts = sent_;
    sent_ += frames;
    held_.clear();
    must("encode", avcodec_send_frame(codec_.get(), frame.get()));
    return drain();
  }

  Result<void> drain() {
    if (!started_) {
      started_ = true;
      if (auto begun = check("header", avformat_write_header(container_.get(), nullptr)); !begun) return begun;
    }
    while (avcodec_receive_packet(codec_.get(), packet_.get()) >= 0) {
      av_packet_rescale_ts(packet_.get(), codec_->time_base, container_->streams[0]->time_base);
      packet_->stream_index = 0;
      const int written = av_write_frame(container_.get(), packet_.get());
      av_packet_unref(packet_.get());
      if (auto kept = check("packet", written); !kept) return kept;
    }
    return {};
  }

  // FFmpeg buffers: a write that failed may show only in the file.
  Result<void> check(const char* what, int code) {
    if (auto fault = file_.failure()) return *std::move(fault);
    must(what, code);
    return {};
  }

  av::AvFile file_;
  av::AvPtr<AVCodecContext> codec_;
  std::unique_ptr<AVFormatContext, FreeOutput> container_;
  av::AvPtr<AVPacket> packet_ = av::owned(av_packet_alloc());
  std::vector<float> held_;  // less than one frame of the codec
  std::int64_t sent_ = 0;
  bool started_ = false;
};

}  // namespace

std::unique_ptr<Encoder> make_av_encoder(Format format, int fd) {
  return std::make_unique<AvEncoder>(format, fd);
}

}  // namespace toll::engines::separation
