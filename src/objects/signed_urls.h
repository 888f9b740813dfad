// URLs of the object store: AWS SigV4 in the query, path-style, X-Amz-SignedHeaders=host. More signed parameters tie a
// URL to who it was issued to (x-tollhouse-user) and to the slot it may write to (x-tollhouse-slot, or S3's own
// uploadId).
//
//   https://host/objects/<bucket>/<key>?X-Amz-...&x-tollhouse-user=17
//
// Whoever holds the store's keys can sign such URLs too (boto3, awscli, rclone); those name no user.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "blob/sigv4.h"
#include "objects/key_space.h"
#include "objects/slots.h"

namespace toll::objects {

// What a checked URL allows.
struct Permit {
  std::string key;
  Bearer bearer;
  std::optional<SlotId> slot;                                    // of a PUT
  std::optional<int> part;                                       // of a part PUT
  std::optional<std::string> content_type, content_disposition;  // response-content-*: for the answer to a GET
  Time expires_at;
};

// Thread-safe.
class SignedUrls {
 public:
  struct Settings {
    std::string bucket = "models";
    blob::sigv4::Credentials credentials;
    std::string region = "us-east-1";
    std::string folder = "/objects/";  // before the bucket, in our own URLs
    std::string public_host;           // also accepted as Host when a proxy wrote another one; may be empty
  };
  SignedUrls(Settings settings, const Clock& clock);

  const std::string& bucket() const { return settings_.bucket; }

  // Absolute URLs. `origin` is scheme and host as clients reach us: "https://example.com:8443".
  // expires: 1 s to 7 days.
  std::string read(std::string_view origin, std::string_view key, AccountId bearer, std::chrono::seconds expires) const;
  // For a slot of one PUT. `headers` are signed too, so that the PUT must carry them as they are here: Content-Type,
  // Content-Length.
  std::string write(std::string_view origin, const Slot& slot, std::chrono::seconds expires,
                    blob::sigv4::Pairs headers = {}) const;
  std::string write_part(std::string_view origin, const Slot& slot, int number, std::chrono::seconds expires) const;

  // Whether a request's URL is one of ours, for this method, in its time. A HEAD may use a URL for GET.
  // Faults: url_not_valid (unsigned, expired, malformed), bad_signature, object_not_found (another bucket).
  Result<Permit> check(const blob::sigv4::Incoming& request) const;

 private:
  std::string sign(std::string method, std::string_view origin, std::string_view key, blob::sigv4::Pairs query,
                   std::chrono::seconds expires, blob::sigv4::Pairs headers = {}) const;
  Result<blob::sigv4::Verified> verify(const blob::sigv4::Incoming& request) const;
  Sha256 key_of_day(Time now) const;

  const Settings settings_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  mutable std::string day_;  // of key_
  mutable Sha256 key_{};
};

}  // namespace toll::objects
