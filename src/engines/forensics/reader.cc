#include "engines/forensics/reader.h"

extern "C" {
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <cmath>
#include <string_view>

#include "engines/av/av.h"
#include "engines/forensics/failure.h"

namespace toll::engines::forensics {
namespace {

// Self-contained formats only: none of these opens a second file.
constexpr const char* formats =
    "apng,asf,avi,bmp_pipe,flv,gif,ivf,jpeg_pipe,matroska,mov,mpeg,mpegts,mpegvideo,mxf,nut,ogg,png_pipe,tiff_pipe,"
    "webp_pipe";
constexpr const char* decoders =
    "apng,bmp,cinepak,dnxhd,dvvideo,ffv1,flv,gif,h263,h264,hevc,huffyuv,libdav1d,mjpeg,mpeg1video,mpeg2video,mpeg4,"
    "msmpeg4,msmpeg4v2,png,prores,qtrle,rawvideo,svq3,theora,tiff,utvideo,v210,vc1,vp6,vp6f,vp8,vp9,webp,wmv1,wmv2,"
    "wmv3";
// A 100-megapixel picture of 8 bytes a pixel is one allocation.
constexpr std::size_t largest_allocation = 1u << 30;
constexpr int most_errors_in_a_row = 200;
constexpr int most_streams = 32;
constexpr std::int64_t largest_frame = 640ll << 20;  // bytes of one decoded picture
constexpr std::int64_t tolerated_damage = 10;        // one frame in ten

bool is_image_format(std::string_view name) {
  return name.ends_with("_pipe") || name == "gif" || name == "apng";
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
struct FreeScaler {
  void operator()(SwsContext* p) const { sws_freeContext(p); }
};

// Too little memory is not the file's fault either.
void out_of_memory(int result) {
  if (result == AVERROR(ENOMEM)) throw std::bad_alloc();
}

Fault undecodable(const std::string& what) {
  return failed(Failure::undecodable_media, what);
}

// FFmpeg's display matrix turns counter-clockwise by the angle it names.
Orientation orientation_of(const AVStream& stream) {
  std::size_t size = 0;
  const auto* matrix = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  if (!matrix || size < 9 * sizeof(std::int32_t)) return {};
  const double angle = -av_display_rotation_get(reinterpret_cast<const std::int32_t*>(matrix));
  if (std::isnan(angle)) return {};
  const int quarter = (static_cast<int>(std::lround(angle / 90)) % 4 + 4) % 4;
  return {std::array{1, 6, 3, 8}[static_cast<std::size_t>(quarter)]};
}

}  // namespace

struct Reader::State {
  State(int fd, const ReaderOptions& options, std::stop_token stop)
      : file(fd, av::AvFile::Mode::read, std::move(stop)), options(options), orientation(options.orientation) {}

  av::AvFile file;
  ReaderOptions options;
  std::unique_ptr<AVFormatContext, CloseInput> format;
  av::AvPtr<AVCodecContext> codec;
  av::AvPtr<AVPacket> packet = av::owned(av_packet_alloc());
  av::AvPtr<AVFrame> frame = av::owned(av_frame_alloc());
  std::unique_ptr<SwsContext, FreeScaler> scaler;
  AVStream* stream = nullptr;
  Orientation orientation;
  Media media;
  std::int64_t index = -1, packets = 0, damaged = 0;
  double shown_at = 0;
  int errors = 0;
  bool draining = false, ended = false;

  Result<void> open_container();
  int find_streams(AVFormatContext* context);
  Result<void> choose_stream();
  Result<void> open_codec();
  Result<void> check_size(int width, int height) const;
  Result<void> check_pixels() const;
  Result<void> check_length(std::int64_t frames, double seconds) const;
  Result<void> read_failure();
  Result<void> feed();
  Result<bool> take();
  Result<void> finish();
  double time_of(std::int64_t timestamp) const;
  void convert(AVPixelFormat format, std::uint8_t* data, int stride);
};

Result<void> Reader::State::open_container() {
  auto* context = avformat_alloc_context();
  if (!context) throw std::bad_alloc();
  context->pb = file.context();
  context->flags |= AVFMT_FLAG_CUSTOM_IO;
  context->io_open = &refuse_to_open;
  context->interrupt_callback = {&interrupted, &file};
  context->format_whitelist = av_strdup(formats);
  context->codec_whitelist = av_strdup(decoders);
  context->protocol_whitelist = av_strdup("none");
  context->max_streams = most_streams;
  const int opened = avformat_open_input(&context, nullptr, nullptr, nullptr);  // frees the context when it fails
  if (opened >= 0) format.reset(context);
  if (auto read = read_failure(); !read) return read;
  out_of_memory(opened);
  if (opened < 0) return undecodable("The file is in no known format for pictures or films.");
  for (unsigned i = 0; i < context->nb_streams; ++i)
    if (context->streams[i]->codecpar->codec_type != AVMEDIA_TYPE_VIDEO) context->streams[i]->discard = AVDISCARD_ALL;
  const int known = find_streams(context);
  if (auto read = read_failure(); !read) return read;
  out_of_memory(known);
  if (known < 0) return undecodable("The file's streams cannot be read.");
  return {};
}

// Opens decoders to look at the streams: in the same bounds as ours.
int Reader::State::find_streams(AVFormatContext* context) {
  std::vector<AVDictionary*> each(context->nb_streams);
  for (auto& one : each) {
    av_dict_set_int(&one, "max_pixels", options.limits.max_pixels, 0);
    av_dict_set(&one, "threads", "1", 0);
  }
  const int result = avformat_find_stream_info(context, each.data());
  for (auto& one : each) av_dict_free(&one);
  return result;
}

// Our disk, or a wish to stop, is not the file's fault.
Result<void> Reader::State::read_failure() {
  if (auto fault = file.failure()) return *std::move(fault);
  if (file.stopped()) return Reason::cancelled;
  return {};
}

Result<void> Reader::State::choose_stream() {
  const AVCodec* decoder = nullptr;
  const int best = av_find_best_stream(format.get(), AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
  if (best < 0 || !decoder) return undecodable("The file has no picture or film with a known encoding.");
  stream = format->streams[best];
  if (stream->disposition & AV_DISPOSITION_ATTACHED_PIC)
    return undecodable("The file is a sound recording with a cover picture.");
  for (unsigned i = 0; i < format->nb_streams; ++i)
    format->streams[i]->discard = static_cast<int>(i) == best ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  media.container = format->iformat->name;
  media.codec = avcodec_get_name(stream->codecpar->codec_id);
  const auto* brand = av_dict_get(format->metadata, "major_brand", nullptr, 0);
  const std::string_view brand_name = brand ? brand->value : "";
  const bool still = brand_name == "avif" || brand_name == "heic" || brand_name == "heix" || brand_name == "mif1";
  media.kind = still || is_image_format(media.container) ? MediaKind::image : MediaKind::video;
  if (media.kind == MediaKind::video) {
    orientation = orientation_of(*stream);
    const bool own = stream->duration > 0;
    const double claimed = own                    ? static_cast<double>(stream->duration) * av_q2d(stream->time_base)
                           : format->duration > 0 ? static_cast<double>(format->duration) / AV_TIME_BASE
                                                  : 0;
    media.seconds = std::isfinite(claimed) ? std::max(0.0, claimed) : 0;
  }
  return {};
}

Result<void> Reader::State::check_size(int width, int height) const {
  if (static_cast<std::int64_t>(width) * height > options.limits.max_pixels)
    return failed(Failure::media_limit_exceeded,
                  "The picture has more than " + std::to_string(options.limits.max_pixels) + " pixels.");
  return {};
}

// Of the frame that was decoded.
Result<void> Reader::State::check_pixels() const {
  const auto kind = static_cast<AVPixelFormat>(frame->format);
  if (!sws_isSupportedInput(kind)) return undecodable("The picture's pixels are of a kind that cannot be read.");
  if (av_image_get_buffer_size(kind, frame->width, frame->height, 1) > largest_frame)
    return failed(Failure::media_limit_exceeded, "The picture takes too much memory.");
  return {};
}

Result<void> Reader::State::check_length(std::int64_t frames, double seconds) const {
  if (media.kind == MediaKind::image) return {};
  if (seconds > static_cast<double>(options.limits.max_seconds) + 0.5)
    return failed(Failure::media_limit_exceeded,
                  "The film is longer than " + std::to_string(options.limits.max_seconds) + " seconds.");
  if (frames > options.limits.max_frames)
    return failed(Failure::media_limit_exceeded,
                  "The film has more than " + std::to_string(options.limits.max_frames) + " frames.");
  if (static_cast<double>(frames) * media.width * media.height > static_cast<double>(options.limits.max_total_pixels))
    return failed(Failure::media_limit_exceeded, "The film has too many frames for its size.");
  return {};
}

Result<void> Reader::State::open_codec() {
  const auto* parameters = stream->codecpar;
  if (auto fits = check_size(parameters->width, parameters->height); !fits) return fits;
  if (auto fits = check_length(0, media.seconds); !fits) return fits;
  const auto* decoder = avcodec_find_decoder(parameters->codec_id);
  if (parameters->codec_id == AV_CODEC_ID_AV1) decoder = avcodec_find_decoder_by_name("libdav1d");
  if (!decoder) return undecodable("The file has no picture or film with a known encoding.");
  codec = av::owned(avcodec_alloc_context3(decoder));
  codec->codec_whitelist = av_strdup(decoders);  // freed with the context
  codec->thread_count = static_cast<int>(std::clamp(options.threads, 1u, 4u));
  // With threads for frames, what conceals a damaged one depends on how far another thread has come.
  codec->thread_type = FF_THREAD_SLICE;
  codec->max_pixels = options.limits.max_pixels;
  codec->pkt_timebase = stream->time_base;
  // Half a picture is no picture; of a film, a damaged frame may be one of thousands.
  if (media.kind == MediaKind::image) codec->err_recognition = AV_EF_EXPLODE;
  int result = avcodec_parameters_to_context(codec.get(), parameters);
  if (result >= 0) result = avcodec_open2(codec.get(), decoder, nullptr);
  out_of_memory(result);
  if (result < 0) return undecodable("The picture or film cannot be decoded.");
  const bool swaps = orientation.swaps_sides();
  media.width = swaps ? parameters->height : parameters->width;
  media.height = swaps ? parameters->width : parameters->height;
  return {};
}

double Reader::State::time_of(std::int64_t timestamp) const {
  if (timestamp == AV_NOPTS_VALUE) return shown_at;
  const std::int64_t start = stream->start_time == AV_NOPTS_VALUE ? 0 : stream->start_time;
  return (static_cast<double>(timestamp) - static_cast<double>(start)) * av_q2d(stream->time_base);
}

// Sends one packet, or the end.
Result<void> Reader::State::feed() {
  const int result = av_read_frame(format.get(), packet.get());
  if (auto read = read_failure(); !read) return read;
  out_of_memory(result);
  if (result < 0) {
    if (result != AVERROR_EOF && ++errors < most_errors_in_a_row) return {};
    draining = true;
    avcodec_send_packet(codec.get(), nullptr);
    return {};
  }
  if (packet->stream_index == stream->index) {
    ++packets;
    errors = 0;
    const int sent = avcodec_send_packet(codec.get(), packet.get());
    out_of_memory(sent);
    if (sent < 0) ++damaged;
  }
  av_packet_unref(packet.get());
  return {};
}

// A frame that the decoder has ready.
Result<bool> Reader::State::take() {
  const int result = avcodec_receive_frame(codec.get(), frame.get());
  out_of_memory(result);
  // A decoder that fails for ever at the end has ended too.
  if (result == AVERROR_EOF || (draining && result < 0 && ++errors > most_errors_in_a_row)) ended = true;
  if (result < 0) {
    if (result != AVERROR(EAGAIN) && result != AVERROR_EOF) ++damaged;
    return false;
  }
  if (frame->width <= 0 || frame->height <= 0) return false;
  if (auto fits = check_size(frame->width, frame->height); !fits) return std::move(fits).error();
  if (auto fits = check_pixels(); !fits) return std::move(fits).error();
  if (frame->decode_error_flags || (frame->flags & AV_FRAME_FLAG_CORRUPT)) ++damaged;
  ++index;
  shown_at = std::max(shown_at, time_of(frame->best_effort_timestamp));
  const bool swaps = orientation.swaps_sides();
  media.width = swaps ? frame->height : frame->width;
  media.height = swaps ? frame->width : frame->height;
  if (auto fits = check_length(index + 1, shown_at); !fits) return std::move(fits).error();
  return true;
}

// Whether the end is where it should be.
Result<void> Reader::State::finish() {
  if (media.kind == MediaKind::image)
    return index < 0 || damaged ? undecodable("The picture is damaged or incomplete.") : Result<void>();
  if (index < 0) return undecodable("Not one frame of the film can be decoded.");
  const bool breaks_off = stream->nb_frames > 0 && packets * 10 < stream->nb_frames * 9;
  if (breaks_off || damaged * tolerated_damage > std::max<std::int64_t>(packets, 1))
    return failed(Failure::decode_error, breaks_off ? "The film breaks off." : "Too many frames are damaged.");
  media.frames = index + 1;
  media.seconds = std::max(media.seconds, shown_at);
  return {};
}

void Reader::State::convert(AVPixelFormat target, std::uint8_t* data, int stride) {
  auto source = static_cast<AVPixelFormat>(frame->format);
  bool full = frame->color_range == AVCOL_RANGE_JPEG;
  // The names of JPEG's formats are deprecated: the same planes in full range.
  for (const auto& [old, plain] : {std::pair{AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV420P},
                                   {AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUV422P},
                                   {AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUV444P},
                                   {AV_PIX_FMT_YUVJ440P, AV_PIX_FMT_YUV440P}})
    if (source == old) source = plain, full = true;
  scaler.reset(sws_getCachedContext(scaler.release(), frame->width, frame->height, source, frame->width, frame->height,
                                    target, SWS_BILINEAR | SWS_ACCURATE_RND | SWS_BITEXACT | SWS_FULL_CHR_H_INT,
                                    nullptr, nullptr, nullptr));
  if (!scaler) throw std::runtime_error("no conversion from this pixel format");
  const bool hd = frame->colorspace == AVCOL_SPC_BT709 ||
                  (frame->colorspace == AVCOL_SPC_UNSPECIFIED && media.kind == MediaKind::video && frame->height > 576);
  const int* matrix = sws_getCoefficients(hd ? SWS_CS_ITU709 : SWS_CS_ITU601);
  sws_setColorspaceDetails(scaler.get(), matrix, full, sws_getCoefficients(SWS_CS_ITU601), 1, 0, 1 << 16, 1 << 16);
  std::uint8_t* planes[4] = {data, nullptr, nullptr, nullptr};
  const int strides[4] = {stride, 0, 0, 0};
  if (sws_scale(scaler.get(), frame->data, frame->linesize, 0, frame->height, planes, strides) != frame->height)
    throw std::runtime_error("a picture could not be converted");
}

Reader::Reader(std::unique_ptr<State> state) : state_(std::move(state)) {}
Reader::~Reader() = default;
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;

Result<Reader> Reader::open(int fd, const ReaderOptions& options, std::stop_token stop) {
  av::prepare_ffmpeg(largest_allocation);
  auto state = std::make_unique<State>(fd, options, std::move(stop));
  if (auto opened = state->open_container(); !opened) return std::move(opened).error();
  if (auto chosen = state->choose_stream(); !chosen) return std::move(chosen).error();
  if (auto opened = state->open_codec(); !opened) return std::move(opened).error();
  return Reader(std::move(state));
}

Media Reader::media() const {
  return state_->media;
}

Result<Media> Reader::count() {
  auto& state = *state_;
  Media counted = state.media;
  if (counted.kind == MediaKind::image) return counted;
  double last = 0;
  for (int errors = 0; errors < most_errors_in_a_row;) {
    const int result = av_read_frame(state.format.get(), state.packet.get());
    if (auto read = state.read_failure(); !read) return std::move(read).error();
    out_of_memory(result);
    if (result == AVERROR_EOF) break;
    errors = result < 0 ? errors + 1 : 0;
    if (result < 0) continue;
    if (state.packet->stream_index == state.stream->index) {
      ++counted.frames;
      last = std::max(last, state.time_of(state.packet->pts));
    }
    av_packet_unref(state.packet.get());
    if (auto fits = state.check_length(counted.frames, last); !fits) return std::move(fits).error();
  }
  counted.seconds = std::max(counted.seconds, last);
  return counted;
}

Result<bool> Reader::next() {
  auto& state = *state_;
  if (state.media.kind == MediaKind::image && state.index >= 0) return false;
  while (!state.ended) {
    const bool got = TOLL_TRY(state.take());
    if (got) {
      // Damage that an image's decoder reports beside the picture.
      if (state.media.kind == MediaKind::image && state.damaged)
        return undecodable("The picture is damaged or incomplete.");
      return true;
    }
    if (state.ended) break;
    if (!state.draining) {
      if (auto fed = state.feed(); !fed) return std::move(fed).error();
    }
  }
  if (auto finished = state.finish(); !finished) return std::move(finished).error();
  return false;
}

std::int64_t Reader::index() const {
  return state_->index;
}
double Reader::seconds() const {
  return state_->shown_at;
}
double Reader::position() const {
  const auto size = state_->file.size();
  return size > 0 ? std::min(1.0, static_cast<double>(state_->file.position()) / static_cast<double>(size)) : 1;
}
Orientation Reader::orientation() const {
  return state_->orientation;
}

Picture Reader::picture() {
  const auto& frame = *state_->frame;
  Picture out{frame.width, frame.height,
              std::vector<std::uint8_t>(static_cast<std::size_t>(frame.width) * frame.height * 3)};
  state_->convert(AV_PIX_FMT_RGB24, out.rgb.data(), frame.width * 3);
  return upright(std::move(out), state_->orientation);
}

Luma Reader::stored_luma() {
  const auto& frame = *state_->frame;
  Luma out{frame.width, frame.height, std::vector<std::uint8_t>(static_cast<std::size_t>(frame.width) * frame.height)};
  const auto* description = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  const bool plain = description && !(description->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL)) &&
                     description->comp[0].depth == 8 && description->comp[0].step == 1;
  if (plain) {
    // A JPEG's own values, as its encoder had them.
    for (int y = 0; y < frame.height; ++y)
      std::copy_n(frame.data[0] + static_cast<std::ptrdiff_t>(y) * frame.linesize[0], frame.width,
                  out.values.begin() + static_cast<std::ptrdiff_t>(y) * frame.width);
    return out;
  }
  state_->convert(AV_PIX_FMT_GRAY8, out.values.data(), frame.width);
  return out;
}

}  // namespace toll::engines::forensics
