#include "engines/forensics/writer.h"

extern "C" {
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
}

#include <cmath>
#include <stdexcept>

#include "engines/av/av.h"
#include "engines/av/files.h"

namespace toll::engines::forensics {
namespace {

constexpr int jpeg_quantiser = 3;  // of 1 (best) to 31

struct FreeScaler {
  void operator()(SwsContext* p) const { sws_freeContext(p); }
};
struct FreeOutput {
  void operator()(AVFormatContext* p) const { avformat_free_context(p); }
};

void must(int result, const char* what) {
  if (result < 0) throw std::runtime_error(std::string(what) + ": " + av::av_error_text(result));
}

// RGB to a planar frame that an encoder takes.
class Converter {
 public:
  Converter(int width, int height, AVPixelFormat format, bool full_range) : frame_(av::owned(av_frame_alloc())) {
    frame_->width = width;
    frame_->height = height;
    frame_->format = format;
    must(av_frame_get_buffer(frame_.get(), 0), "frame");
    const auto plain = format == AV_PIX_FMT_YUVJ420P ? AV_PIX_FMT_YUV420P : format;
    scaler_.reset(sws_getContext(width, height, AV_PIX_FMT_RGB24, width, height, plain,
                                 SWS_BILINEAR | SWS_ACCURATE_RND | SWS_BITEXACT, nullptr, nullptr, nullptr));
    if (!scaler_) throw std::bad_alloc();
    const int* matrix = sws_getCoefficients(SWS_CS_ITU601);
    sws_setColorspaceDetails(scaler_.get(), matrix, 1, matrix, full_range, 0, 1 << 16, 1 << 16);
  }
  AVFrame* convert(const Picture& picture) {
    must(av_frame_make_writable(frame_.get()), "frame");
    if (picture.width != frame_->width || picture.height != frame_->height)
      throw std::logic_error("a picture of another size");
    const std::uint8_t* planes[4] = {picture.rgb.data(), nullptr, nullptr, nullptr};
    const int strides[4] = {picture.width * 3, 0, 0, 0};
    if (sws_scale(scaler_.get(), planes, strides, 0, picture.height, frame_->data, frame_->linesize) != picture.height)
      throw std::runtime_error("a picture could not be converted");
    return frame_.get();
  }
  int width() const { return frame_->width; }
  int height() const { return frame_->height; }

 private:
  av::AvPtr<AVFrame> frame_;
  std::unique_ptr<SwsContext, FreeScaler> scaler_;
};

}  // namespace

Result<void> write_jpeg(const Picture& picture, int fd) {
  const auto* encoder = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
  if (!encoder) throw std::runtime_error("this libavcodec writes no JPEG");
  auto codec = av::owned(avcodec_alloc_context3(encoder));
  codec->width = picture.width;
  codec->height = picture.height;
  codec->pix_fmt = AV_PIX_FMT_YUVJ420P;
  codec->time_base = {1, 1};
  codec->thread_count = 1;
  codec->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT;
  codec->global_quality = jpeg_quantiser * FF_QP2LAMBDA;
  must(avcodec_open2(codec.get(), encoder, nullptr), "JPEG encoder");
  Converter converter(picture.width, picture.height, AV_PIX_FMT_YUVJ420P, true);
  auto* frame = converter.convert(picture);
  frame->pts = 0;
  frame->quality = codec->global_quality;
  must(avcodec_send_frame(codec.get(), frame), "JPEG encoder");
  auto packet = av::owned(av_packet_alloc());
  must(avcodec_receive_packet(codec.get(), packet.get()), "JPEG encoder");
  return av::write_at(fd, 0, std::as_bytes(std::span(packet->data, static_cast<std::size_t>(packet->size))));
}

struct FilmWriter::State {
  State(int fd, int width, int height)
      : file(fd, av::AvFile::Mode::write, {}), converter(width, height, AV_PIX_FMT_YUV420P, false) {}
  av::AvFile file;
  std::unique_ptr<AVFormatContext, FreeOutput> format;
  av::AvPtr<AVCodecContext> codec;
  av::AvPtr<AVPacket> packet = av::owned(av_packet_alloc());
  Converter converter;
  AVStream* stream = nullptr;
  std::int64_t next = 0;

  void open(int width, int height, double frames_per_second);
  Result<void> drain();
  Result<void> checked(int result, const char* what) {
    if (auto fault = file.failure()) return *std::move(fault);
    must(result, what);
    return {};
  }
};

void FilmWriter::State::open(int width, int height, double frames_per_second) {
  const auto* encoder = avcodec_find_encoder_by_name("libx264");
  if (!encoder) encoder = avcodec_find_encoder(AV_CODEC_ID_MPEG4);
  if (!encoder) throw std::runtime_error("this libavcodec writes no film");
  codec = av::owned(avcodec_alloc_context3(encoder));
  codec->width = width;
  codec->height = height;
  codec->pix_fmt = AV_PIX_FMT_YUV420P;
  const auto rate = av_d2q(frames_per_second, 60'000);
  codec->framerate = rate;
  codec->time_base = av_inv_q(rate);
  codec->thread_count = 1;
  codec->gop_size = 60;
  codec->max_b_frames = 0;
  codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
  codec->bit_rate = 1'000'000;
  AVDictionary* options = nullptr;
  // No look-ahead: sixteen of these are open at once.
  av_dict_set(&options, "preset", "veryfast", 0);
  av_dict_set(&options, "tune", "zerolatency", 0);
  av_dict_set(&options, "crf", "26", 0);
  const int opened = avcodec_open2(codec.get(), encoder, &options);
  av_dict_free(&options);
  must(opened, "film encoder");
  AVFormatContext* raw = nullptr;
  must(avformat_alloc_output_context2(&raw, nullptr, "mp4", nullptr), "MP4");
  format.reset(raw);
  format->pb = file.context();
  format->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
  stream = avformat_new_stream(raw, nullptr);
  if (!stream) throw std::bad_alloc();
  stream->time_base = codec->time_base;
  must(avcodec_parameters_from_context(stream->codecpar, codec.get()), "MP4");
}

Result<void> FilmWriter::State::drain() {
  while (avcodec_receive_packet(codec.get(), packet.get()) >= 0) {
    av_packet_rescale_ts(packet.get(), codec->time_base, stream->time_base);
    packet->duration = av_rescale_q(1, codec->time_base, stream->time_base);
    packet->stream_index = 0;
    if (auto written = checked(av_interleaved_write_frame(format.get(), packet.get()), "MP4"); !written) return written;
  }
  return {};
}

FilmWriter::FilmWriter(int fd, int width, int height, double frames_per_second)
    : state_(std::make_unique<State>(fd, width, height)) {
  state_->open(width, height, frames_per_second);
}
FilmWriter::~FilmWriter() = default;
FilmWriter::FilmWriter(FilmWriter&&) noexcept = default;
FilmWriter& FilmWriter::operator=(FilmWriter&&) noexcept = default;

int FilmWriter::width() const {
  return state_->converter.width();
}
int FilmWriter::height() const {
  return state_->converter.height();
}

Result<void> FilmWriter::write(const Picture& picture) {
  auto& state = *state_;
  if (state.next == 0) {
    const int begun = avformat_write_header(state.format.get(), nullptr);
    if (auto written = state.checked(begun, "MP4"); !written) return written;
  }
  auto* frame = state.converter.convert(picture);
  frame->pts = state.next++;
  must(avcodec_send_frame(state.codec.get(), frame), "film encoder");
  return state.drain();
}

Result<void> FilmWriter::finish() {
  auto& state = *state_;
  must(avcodec_send_frame(state.codec.get(), nullptr), "film encoder");
  if (auto drained = state.drain(); !drained) return drained;
  if (auto written = state.checked(av_write_trailer(state.format.get()), "MP4"); !written) return written;
  avio_flush(state.file.context());
  return state.checked(0, "MP4");
}

}  // namespace toll::engines::forensics
