// What a client announces of the bytes it sends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/digest.h"
#include "base/result.h"
#include "http/message.h"

namespace toll::object_store {

struct Announced {
  std::optional<std::string> md5;      // 16 bytes; Content-MD5 (RFC 1864)
  std::optional<Sha256> sha256;        // x-amz-content-sha256 or x-amz-checksum-sha256
  std::optional<std::uint32_t> crc32;  // x-amz-checksum-crc32
};

// Faults: invalid_request (a value that is none), unsupported_media_type (aws-chunked bodies, copies: their bytes are
// not the body's).
Result<Announced> announced(const http::Fields& fields);

// Faults: bad_digest.
Result<void> check(const Announced& announced, const Sha256& sha256, std::uint32_t crc32, const std::string& md5);

}  // namespace toll::object_store
