#include "identity/passwords.h"

#include <fmt/format.h>
#include <sodium.h>

#include <new>
#include <stdexcept>

#include "base/text.h"

namespace toll::identity {

namespace {

void start_library() {
  static const int started = ::sodium_init();
  if (started < 0) throw std::runtime_error("libsodium does not start");
}

}  // namespace

std::optional<std::string> password_problem(std::string_view password) {
  if (!valid_utf8(password)) return "must be text";
  const auto length = utf8_length(password);
  if (length < min_password_length || length > max_password_length)
    return fmt::format("must be {} to {} characters", min_password_length, max_password_length);
  return std::nullopt;
}

Passwords::Passwords(Cost cost) : cost_(cost) {
  start_library();
  nothing_ = hash("no account has this password");
}

std::string Passwords::hash(std::string_view password) const {
  std::string out(crypto_pwhash_STRBYTES, '\0');
  if (::crypto_pwhash_str_alg(out.data(), password.data(), password.size(), cost_.passes, cost_.memory,
                              crypto_pwhash_ALG_ARGON2ID13) != 0)
    throw std::bad_alloc();
  out.resize(out.find('\0'));
  return out;
}

bool Passwords::verify(std::string_view hash, std::string_view password) const {
  if (hash.size() >= crypto_pwhash_STRBYTES) return false;
  const std::string terminated(hash);
  return ::crypto_pwhash_str_verify(terminated.c_str(), password.data(), password.size()) == 0;
}

void Passwords::verify_nothing(std::string_view password) const {
  static_cast<void>(verify(nothing_, password));
}

bool Passwords::outdated(std::string_view hash) const {
  const std::string terminated(hash);
  return ::crypto_pwhash_str_needs_rehash(terminated.c_str(), cost_.passes, cost_.memory) != 0;
}

}  // namespace toll::identity
