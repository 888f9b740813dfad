#include "engines/av/av.h"

#include <algorithm>
#include <new>

#include "engines/av/files.h"

namespace toll::engines::av {
namespace {
constexpr int buffer_bytes = 64 << 10;
}  // namespace

std::string av_error_text(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

void prepare_ffmpeg(std::size_t largest_allocation) {
  av_log_set_level(AV_LOG_QUIET);
  av_max_alloc(largest_allocation);
}

AvFile::AvFile(int fd, Mode mode, std::stop_token stop)
    : fd_(fd), stop_(std::move(stop)), size_(mode == Mode::read ? size_of(fd) : 0) {
  auto* buffer = static_cast<unsigned char*>(av_malloc(buffer_bytes));
  const bool writing = mode == Mode::write;
  context_ = buffer ? avio_alloc_context(buffer, buffer_bytes, writing, this, &AvFile::read,
                                         writing ? &AvFile::write : nullptr, &AvFile::seek)
                    : nullptr;
  if (!context_) {
    av_free(buffer);
    throw std::bad_alloc();
  }
}

AvFile::~AvFile() {
  av_freep(&context_->buffer);
  avio_context_free(&context_);
}

std::optional<Fault> AvFile::failure() {
  if (thrown_) std::rethrow_exception(thrown_);
  return fault_;
}

int AvFile::read(void* self, std::uint8_t* data, int bytes) {
  auto& file = *static_cast<AvFile*>(self);
  if (file.stopped()) return AVERROR_EXIT;
  try {
    const auto got =
        read_at(file.fd_, file.position_, std::as_writable_bytes(std::span(data, static_cast<std::size_t>(bytes))));
    if (got == 0) return AVERROR_EOF;
    file.position_ += static_cast<std::int64_t>(got);
    return static_cast<int>(got);
  } catch (...) {
    file.thrown_ = std::current_exception();
    return AVERROR(EIO);
  }
}

int AvFile::write(void* self, std::uint8_t* data, int bytes) {
  auto& file = *static_cast<AvFile*>(self);
  if (file.fault_ || file.thrown_) return AVERROR(EIO);
  try {
    auto written = write_at(file.fd_, file.position_, std::as_bytes(std::span(data, static_cast<std::size_t>(bytes))));
    if (!written) {
      file.fault_ = std::move(written).error();
      return AVERROR(ENOSPC);
    }
    file.position_ += bytes;
    file.size_ = std::max(file.size_, file.position_);
    return bytes;
  } catch (...) {
    file.thrown_ = std::current_exception();
    return AVERROR(EIO);
  }
}

std::int64_t AvFile::seek(void* self, std::int64_t offset, int whence) {
  auto& file = *static_cast<AvFile*>(self);
  switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
      return file.size_;
    case SEEK_SET:
      break;
    case SEEK_CUR:
      offset += file.position_;
      break;
    case SEEK_END:
      offset += file.size_;
      break;
    default:
      return AVERROR(EINVAL);
  }
  if (offset < 0) return AVERROR(EINVAL);
  return file.position_ = offset;
}

}  // namespace toll::engines::av
