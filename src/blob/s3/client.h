// Signed requests to one bucket of an S3 server, over libcurl; tried again when another try may succeed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "blob/s3_store.h"

namespace toll::blob::s3 {

// What is sent: a text, or a stretch of a file.
struct Body {
  std::string text;
  int fd = -1;
  std::uint64_t offset = 0, length = 0;
  std::string sha256;  // of a stretch: its digest in hexadecimal
};

struct Ask {
  std::string method;
  std::string key;  // empty: the bucket itself
  sigv4::Pairs query;
  sigv4::Pairs headers;  // besides host and the signature's own
  Body body;
};

struct Reply {
  int status = 0;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string header(std::string_view name) const;
  bool ok() const { return status / 100 == 2; }
};

// Thread-safe.
class Client {
 public:
  explicit Client(const S3Options& options);
  ~Client();

  // Any answer but a passing failure (5xx, 429): the status is the caller's to judge. Faults: object_store_unavailable
  // (transport, or failures to the end), storage_full (507).
  Result<Reply> send(const Ask& ask) const;

 private:
  class Handle;
  Result<Reply> attempt(const Ask& ask) const;
  std::unique_ptr<Handle> take() const;
  void give_back(std::unique_ptr<Handle> handle) const;

  const S3Options options_;
  const std::string host_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Handle>> idle_;  // with their open connections
};

}  // namespace toll::blob::s3
