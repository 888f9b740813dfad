#include "base/checksum.h"

#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>

#include "base/text.h"

namespace toll {

struct ChecksumStream::Context {
  EVP_MD_CTX* raw = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(raw); }
};

ChecksumStream::ChecksumStream(Kind kind) : context_(std::make_unique<Context>()) {
  if (EVP_DigestInit_ex(context_->raw, kind == Kind::md5 ? EVP_md5() : EVP_sha1(), nullptr) != 1)
    throw std::runtime_error("this digest is not available");
}
ChecksumStream::~ChecksumStream() = default;
ChecksumStream::ChecksumStream(ChecksumStream&&) noexcept = default;
ChecksumStream& ChecksumStream::operator=(ChecksumStream&&) noexcept = default;

void ChecksumStream::update(std::string_view bytes) {
  EVP_DigestUpdate(context_->raw, bytes.data(), bytes.size());
}

std::string ChecksumStream::finish() {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  EVP_DigestFinal_ex(context_->raw, reinterpret_cast<unsigned char*>(out.data()), &size);
  out.resize(size);
  return out;
}

std::string base64(std::string_view bytes) {
  auto out = base64url(bytes);
  for (char& c : out) c = c == '-' ? '+' : c == '_' ? '/' : c;
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0 || text.find_first_of("-_") != text.npos) return std::nullopt;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  std::string url(text);
  for (char& c : url) c = c == '+' ? '-' : c == '/' ? '_' : c;
  auto out = from_base64url(url);
  // Bits that stand for nothing must be zero, or two texts would mean one thing.
  if (!out || base64url(*out) != url) return std::nullopt;
  return out;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string escaped;
  for (std::size_t i = 0; i < text.size(); i += 2) escaped.append("%").append(text.substr(i, 2));
  return percent_decode(escaped);
}

}  // namespace toll
