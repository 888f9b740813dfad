// A file part of a multipart request, streamed to the store while it comes in.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "base/digest.h"
#include "blob/store.h"
#include "http/message.h"
#include "json/schema.h"

namespace toll::api {

namespace asio = boost::asio;

struct UploadedFile {
  std::string filename;                  // as sent
  std::shared_ptr<blob::Staged> staged;  // null when the request is a replay: hashed, not stored
  Sha256 digest{};
  std::uint64_t size = 0;
  std::string md5;  // 16 bytes, when it was asked for
};

// A multipart body, read to its end.
struct Form {
  std::vector<std::pair<std::string, std::string>> texts;
  std::vector<std::pair<std::string, UploadedFile>> files;
  std::size_t files_beyond = 0;  // that came after the last one that was taken, and were dropped
  const std::string* text(std::string_view name) const;
  // Equal for equal fields, file names and bytes, whatever the boundary: hex SHA-256.
  std::string fingerprint() const;
};

struct FormLimits {
  std::uint64_t file_bytes = 0;          // of one file
  std::string_view file_field = "file";  // other file parts are read and dropped
  std::size_t most_files = 0;            // 0: exactly one; else those that come after so many are read and dropped
  std::span<const std::string_view> more_fields = {};  // parts of these names are files too; live for ever
  std::uint64_t text_bytes = 1 << 20;                  // of one text part
  std::uint64_t all_text_bytes = 4 << 20;
  bool md5 = false;  // of the file, besides its SHA-256
};

// Reads the whole body; without a boundary it is the bytes of the one file. `store` null: hash only. Blocking writes
// run on `disk`, and `beat` (if any) there about every 20 s. Faults: upload_too_large, malformed_multipart,
// part_too_large, storage_full, client_gone, request_timeout; invalid_request for a second file.
asio::awaitable<Result<Form>> read_form(http::BodyReader& body, std::optional<std::string> boundary, FormLimits limits,
                                        blob::Store* store, asio::thread_pool& disk, std::function<void()> beat);

}  // namespace toll::api

template <>
struct toll::json::Codec<toll::api::UploadedFile> {
  static Object schema(const Rules&, Definitions&) { return {{"type", "string"}, {"format", "binary"}}; }
};
