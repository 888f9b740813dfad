// What the decoders and encoders of the engines share of FFmpeg's libraries: owners for their objects, and a descriptor
// as their file.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswresample/swresample.h>
}

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/fault.h"

namespace toll::engines::av {

struct AvFree {
  void operator()(AVFrame* p) const { av_frame_free(&p); }
  void operator()(AVPacket* p) const { av_packet_free(&p); }
  void operator()(AVCodecContext* p) const { avcodec_free_context(&p); }
  void operator()(SwrContext* p) const { swr_free(&p); }
};
template <class T>
using AvPtr = std::unique_ptr<T, AvFree>;

// A pointer that FFmpeg allocates; std::bad_alloc when it could not.
template <class T>
AvPtr<T> owned(T* pointer) {
  if (!pointer) throw std::bad_alloc();
  return AvPtr<T>(pointer);
}

std::string av_error_text(int code);
// Silences FFmpeg's own log and bounds single allocations, of all of this process: at most 256 MiB, which no honest
// packet or table of an audio file comes near, or what pictures need. Any thread, any number of times.
void prepare_ffmpeg(std::size_t largest_allocation = 256u << 20);

// A descriptor as an AVIOContext. Failures inside the callbacks are kept, since FFmpeg only passes numbers on.
class AvFile {
 public:
  enum class Mode { read, write };
  AvFile(int fd, Mode mode, std::stop_token stop);
  ~AvFile();
  AvFile(const AvFile&) = delete;
  AvFile& operator=(const AvFile&) = delete;

  AVIOContext* context() { return context_; }
  std::int64_t size() const { return size_; }
  std::int64_t position() const { return position_; }
  bool stopped() const { return stop_.stop_requested(); }
  // Throws what a callback threw; the first fault of a write, if any.
  std::optional<Fault> failure();

 private:
  static int read(void* self, std::uint8_t* data, int bytes);
  static int write(void* self, std::uint8_t* data, int bytes);
  static std::int64_t seek(void* self, std::int64_t offset, int whence);

  int fd_;
  std::stop_token stop_;
  std::int64_t size_;
  std::int64_t position_ = 0;
  AVIOContext* context_ = nullptr;
  std::optional<Fault> fault_;
  std::exception_ptr thrown_;
};

}  // namespace toll::engines::av
