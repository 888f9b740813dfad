#include "api/download.h"

#include <algorithm>
#include <ctime>

#include "async/run_on.h"
#include "base/text.h"

namespace toll::api {

namespace {

// Threads that wait for the servers of such stores; a connection's own thread never does.
boost::asio::thread_pool& waiting_room() {
  static boost::asio::thread_pool pool(8);
  return pool;
}

// Blobs of stores without descriptors.
class ReaderSource final : public http::Source {
 public:
  explicit ReaderSource(std::shared_ptr<const blob::Reader> reader) : reader_(std::move(reader)) {}
  boost::asio::awaitable<Result<std::size_t>> read_at(std::uint64_t offset, std::span<char> out) override {
    auto read = [this, offset, out]() -> Result<std::size_t> {
      try {
        return reader_->read_at(offset, std::as_writable_bytes(out));
      } catch (const std::exception& failed) {
        return Fault(Reason::object_store_unavailable).because(failed.what());
      }
    };
    co_return co_await async::run_on(waiting_room(), read);
  }

 private:
  std::shared_ptr<const blob::Reader> reader_;
};

// Little-endian, as the format has it.
class Bytes {
 public:
  Bytes& u16(std::uint64_t v) { return put(v, 2); }
  Bytes& u32(std::uint64_t v) { return put(v, 4); }
  Bytes& u64(std::uint64_t v) { return put(v, 8); }
  Bytes& text(std::string_view t) {
    out_ += t;
    return *this;
  }
  std::string take() { return std::move(out_); }
  std::size_t size() const { return out_.size(); }

 private:
  Bytes& put(std::uint64_t v, int n) {
    for (int i = 0; i < n; ++i) out_ += static_cast<char>(v >> (8 * i) & 255);
    return *this;
  }
  std::string out_;
};

constexpr std::uint64_t max32 = 0xFFFFFFFF;
constexpr std::uint64_t max16 = 0xFFFF;
constexpr std::uint16_t utf8_flag = 0x0800;

struct DosTime {
  std::uint16_t time, date;
};
DosTime dos_time(Time moment) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(moment));
  std::tm t{};
  gmtime_r(&seconds, &t);
  const int year = std::clamp(t.tm_year - 80, 0, 127);
  return {static_cast<std::uint16_t>(t.tm_hour << 11 | t.tm_min << 5 | t.tm_sec / 2),
          static_cast<std::uint16_t>(year << 9 | (t.tm_mon + 1) << 5 | t.tm_mday)};
}

std::string local_header(const ZipEntry& entry, DosTime when) {
  const bool big = entry.size >= max32;
  Bytes b;
  b.u32(0x04034b50).u16(big ? 45 : 20).u16(utf8_flag).u16(0).u16(when.time).u16(when.date).u32(entry.crc32);
  b.u32(big ? max32 : entry.size)
      .u32(big ? max32 : entry.size)
      .u16(entry.name.size())
      .u16(big ? 20 : 0)
      .text(entry.name);
  if (big) b.u16(1).u16(16).u64(entry.size).u64(entry.size);
  return b.take();
}

std::string central_header(const ZipEntry& entry, DosTime when, std::uint64_t offset) {
  const bool big = entry.size >= max32, far = offset >= max32;
  const int extra = (big ? 16 : 0) + (far ? 8 : 0);
  Bytes b;
  b.u32(0x02014b50)
      .u16(3 << 8 | 45)
      .u16(big || far ? 45 : 20)
      .u16(utf8_flag)
      .u16(0)
      .u16(when.time)
      .u16(when.date)
      .u32(entry.crc32);
  b.u32(big ? max32 : entry.size)
      .u32(big ? max32 : entry.size)
      .u16(entry.name.size())
      .u16(extra ? extra + 4 : 0)
      .u16(0)
      .u16(0)
      .u16(0);
  b.u32(0100644u << 16).u32(far ? max32 : offset).text(entry.name);
  if (extra) {
    b.u16(1).u16(extra);
    if (big) b.u64(entry.size).u64(entry.size);
    if (far) b.u64(offset);
  }
  return b.take();
}

std::string end_of_directory(std::uint64_t entries, std::uint64_t size, std::uint64_t offset) {
  Bytes b;
  if (entries >= max16 || size >= max32 || offset >= max32) {
    b.u32(0x06064b50).u64(44).u16(3 << 8 | 45).u16(45).u32(0).u32(0).u64(entries).u64(entries).u64(size).u64(offset);
    b.u32(0x07064b50).u32(0).u64(offset + size).u32(1);
  }
  b.u32(0x06054b50).u16(0).u16(0).u16(std::min(entries, max16)).u16(std::min(entries, max16));
  b.u32(std::min(size, max32)).u32(std::min(offset, max32)).u16(0);
  return b.take();
}

}  // namespace

http::Segment segment_of(std::shared_ptr<const blob::Reader> reader) {
  const auto size = reader->size();
  const int fd = reader->fd();
  if (fd >= 0) return http::FileSlice{reader, fd, 0, size};
  return http::SourceSlice{std::make_shared<ReaderSource>(std::move(reader)), 0, size};
}

std::string content_disposition(std::string_view filename) {
  const auto encoded = percent_encode(filename);
  if (encoded == filename) return "attachment; filename=\"" + encoded + "\"";
  return "attachment; filename*=utf-8''" + encoded;
}

http::Response answer_file(const http::Request& request, FileAnswer file) {
  http::Response full;
  full.fields.add("Content-Type", file.content_type);
  full.fields.add("Content-Disposition", content_disposition(file.filename));
  full.fields.add("ETag", file.etag);
  full.fields.add("Cache-Control", "private");
  full.stream = std::move(file.segments);
  return http::apply_conditions(request, std::move(full));
}

std::vector<http::Segment> zip_archive(std::vector<ZipEntry> entries, Time modified) {
  std::vector<http::Segment> out;
  const auto when = dos_time(modified);
  std::string directory;
  std::uint64_t offset = 0;
  for (auto& entry : entries) {
    directory += central_header(entry, when, offset);
    auto head = local_header(entry, when);
    offset += head.size() + entry.size;
    out.emplace_back(std::move(head));
    if (entry.size > 0) out.push_back(segment_of(std::move(entry.content)));
  }
  const auto size = directory.size();
  out.emplace_back(std::move(directory) + end_of_directory(entries.size(), size, offset));
  return out;
}

}  // namespace toll::api
