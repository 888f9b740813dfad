#include "base/digest.h"

#include <libdeflate.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdexcept>

namespace toll {

struct Sha256Stream::Context {
  EVP_MD_CTX* raw = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(raw); }
};

Sha256Stream::Sha256Stream() : context_(std::make_unique<Context>()) {
  if (EVP_DigestInit_ex(context_->raw, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not available");
}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::update(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(context_->raw, bytes.data(), bytes.size());
}
void Sha256Stream::update(std::string_view text) {
  update(as_span(text));
}

Sha256 Sha256Stream::finish() {
  Sha256 out;
  EVP_DigestFinal_ex(context_->raw, reinterpret_cast<unsigned char*>(out.data()), nullptr);
  return out;
}

Sha256 sha256(std::string_view text) {
  Sha256 out;
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, EVP_sha256(), nullptr);
  return out;
}

Sha256 hmac_sha256(std::string_view key, std::string_view text) {
  Sha256 out;
  unsigned int length = out.size();
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), reinterpret_cast<unsigned char*>(out.data()), &length);
  return out;
}

std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t previous) {
  return libdeflate_crc32(previous, bytes.data(), bytes.size());
}
std::uint32_t crc32(std::string_view text, std::uint32_t previous) {
  return crc32(as_span(text), previous);
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string hex(std::span<const std::byte> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (auto byte : bytes) {
    out += digits[std::to_integer<unsigned>(byte) >> 4];
    out += digits[std::to_integer<unsigned>(byte) & 15];
  }
  return out;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::span<const std::byte> as_span(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace toll
