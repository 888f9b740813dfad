#include "surfaces/objects/checksums.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/text.h"

namespace toll::object_store {

namespace {

Fault refused(Reason reason, std::string why) {
  return Fault(reason).with("why", std::move(why));
}

// The bytes of a base64 field; nullopt: no such field.
Result<std::optional<std::string>> coded(const http::Fields& fields, std::string_view name, std::size_t size) {
  const auto value = fields.find(name);
  if (!value) return std::optional<std::string>();
  auto bytes = from_base64(trim(*value));
  if (!bytes || bytes->size() != size)
    return refused(Reason::invalid_request, "The value of " + std::string(name) + " is not valid.");
  return bytes;
}

Sha256 digest_of(std::string_view bytes) {
  Sha256 out;
  std::ranges::copy(as_span(bytes), out.begin());
  return out;
}

Result<void> refuse_other_bodies(const http::Fields& fields) {
  if (lower(fields.get("Content-Encoding")).find("aws-chunked") != std::string::npos ||
      fields.get("x-amz-content-sha256").starts_with("STREAMING-"))
    return refused(Reason::unsupported_media_type, "aws-chunked bodies are not taken; send the bytes as they are.");
  if (fields.find("x-amz-copy-source")) return refused(Reason::unsupported_media_type, "Objects are not copied here.");
  return {};
}

}  // namespace

Result<Announced> announced(const http::Fields& fields) {
  TOLL_TRY(refuse_other_bodies(fields));
  Announced out;
  out.md5 = TOLL_TRY(coded(fields, "Content-MD5", 16));
  if (auto sha = TOLL_TRY(coded(fields, "x-amz-checksum-sha256", 32))) out.sha256 = digest_of(*sha);
  if (auto crc = TOLL_TRY(coded(fields, "x-amz-checksum-crc32", 4))) {
    out.crc32 = 0;
    for (unsigned char byte : *crc) out.crc32 = *out.crc32 << 8 | byte;
  }
  const auto payload = fields.find("x-amz-content-sha256");
  if (payload && *payload != "UNSIGNED-PAYLOAD") {
    const auto bytes = from_hex(trim(*payload));
    if (!bytes || bytes->size() != 32 || (out.sha256 && *out.sha256 != digest_of(*bytes)))
      return refused(Reason::invalid_request, "The value of x-amz-content-sha256 is not valid.");
    out.sha256 = digest_of(*bytes);
  }
  return out;
}

Result<void> check(const Announced& announced, const Sha256& sha256, std::uint32_t crc32, const std::string& md5) {
  const bool same = (!announced.md5 || *announced.md5 == md5) && (!announced.sha256 || *announced.sha256 == sha256) &&
                    (!announced.crc32 || *announced.crc32 == crc32);
  if (!same) return Reason::bad_digest;
  return {};
}

}  // namespace toll::object_store
