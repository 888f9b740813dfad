// The server's own secrets: made at first start in <data>/secrets (directory 0700, files 0600), or set by the operator.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"

namespace toll::identity {

struct Secrets {
  std::string keys;      // hashes API keys and idempotency keys
  std::string sessions;  // signs sessions
};

// What the operator set; empty: use the file.
struct SecretSettings {
  std::string keys;
  std::string sessions;
};

inline constexpr std::size_t min_secret_bytes = 32;

// Why this may not be a secret of the server ("is shorter than 32 bytes"), or empty.
std::string_view secret_problem(std::string_view secret);

// Reads or makes them; safe when two servers start at once. Throws std::runtime_error with a sentence for the operator
// when one is short, a published example, the same as the other, readable by others, or cannot be read or written.
Secrets load_secrets(const std::filesystem::path& data, const SecretSettings& settings, Random& random);

}  // namespace toll::identity
