// Answers that are files, and the ZIP archive of several: pure functions of what is stored.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "blob/store.h"
#include "http/message.h"

namespace toll::api {

// The whole blob as one segment.
http::Segment segment_of(std::shared_ptr<const blob::Reader> reader);

// attachment; with filename*= (RFC 8187) when the name has characters outside A-Za-z0-9._~-
std::string content_disposition(std::string_view filename);

struct FileAnswer {
  std::string content_type;
  std::string filename;
  std::string etag;  // strong, quoted
  std::vector<http::Segment> segments;
};
// 200 with Content-Type, Content-Disposition, ETag, Cache-Control: private; then ranges and conditions of `request`.
http::Response answer_file(const http::Request& request, FileAnswer file);

struct ZipEntry {
  std::string name;  // UTF-8, flat
  std::uint64_t size = 0;
  std::uint32_t crc32 = 0;
  std::shared_ptr<const blob::Reader> content;
};
// A ZIP archive without compression, as segments; Zip64 fields only where they are needed (APPNOTE.TXT 6.3.10).
// `modified` is written in UTC with the two-second steps of the format.
std::vector<http::Segment> zip_archive(std::vector<ZipEntry> entries, Time modified);

}  // namespace toll::api
