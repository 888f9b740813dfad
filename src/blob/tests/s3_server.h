// An S3 server for the length of the test run: OpenStack Swift, started by the functional tests' own support.
#pragma once

#include <optional>
#include <string>

#include "blob/s3_store.h"

namespace toll::blob::testing {

class S3Server {
 public:
  // The one of this process, started at its first use.
  static const S3Server& shared();
  // Why there is none; nullopt: there is one.
  const std::optional<std::string>& missing() const { return missing_; }
  // A bucket that nobody else has.
  S3Options fresh_bucket() const;

  S3Server(const S3Server&) = delete;
  ~S3Server();

 private:
  S3Server();
  std::optional<std::string> missing_;
  std::string endpoint_, access_key_, secret_key_;
  int input_ = -1;
  int process_ = -1;
};

#define TOLL_SKIP_WITHOUT_S3() \
  if (const auto& why = ::toll::blob::testing::S3Server::shared().missing()) GTEST_SKIP() << *why

}  // namespace toll::blob::testing
