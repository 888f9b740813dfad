// AWS Signature Version 4 for S3, as pure functions: signed URLs (the query form), signed header fields, and the check
// of a signed URL that came in. Source: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API reference.
// As S3 does it: a path is percent-encoded once, its slashes stay, nothing is normalised.
//
// All texts are plain here (not percent-encoded) unless a member says "as sent".
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"

namespace toll::blob::sigv4 {

inline constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view empty_payload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
// Seven days, S3's own limit.
inline constexpr std::int64_t longest_life = 604'800;
// How far ahead of ours a signer's clock may be.
inline constexpr std::chrono::minutes clock_skew{15};

struct Credentials {
  std::string access_key, secret_key;
};

struct Scope {
  std::string region = "us-east-1";
  std::string service = "s3";
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

// What a signature is over.
struct Message {
  std::string method;  // "GET"
  std::string path;    // begins with a slash
  Pairs query;
  Pairs headers;  // the signed ones, host among them; names in any case
  std::string payload{unsigned_payload};
};

// "20130524T000000Z"; parse_stamp: nullopt for anything else.
std::string stamp(Time time);
std::optional<Time> parse_stamp(std::string_view text);

// The path and the sorted query as they are signed; also what a URL should look like.
std::string encode_path(std::string_view path);
std::string encode_query(const Pairs& query);

std::string canonical_request(const Message& message);
std::string string_to_sign(const Message& message, Time time, const Scope& scope);
// Valid for the UTC day of `time`: costs four HMACs, so that who signs a list derives it once.
Sha256 signing_key(std::string_view secret_key, Time time, const Scope& scope);
// 64 hexadecimal characters.
std::string signature(const Sha256& key, const Message& message, Time time, const Scope& scope);

struct Presign {
  std::string method = "GET";
  std::string origin;         // "https://example.com:9000"
  std::string path;           // "/bucket/key"
  Pairs query;                // more signed parameters: partNumber, response-content-disposition, our own
  Pairs headers;              // more signed header fields, which the request must then carry as they are here
  std::int64_t expires;       // seconds, 1 to longest_life
  std::optional<Sha256> key;  // a signing_key() of this day; nullopt: derived here
};
// The absolute URL.
std::string presign(const Credentials& credentials, const Scope& scope, const Presign& what, Time now);

// The fields that sign a request of our own: x-amz-date, x-amz-content-sha256, Authorization. message.headers holds
// host and whatever else is to be signed; message.payload the hash of the body.
Pairs sign_headers(const Credentials& credentials, const Scope& scope, Message message, Time now);

// A request as it came in.
struct Incoming {
  std::string_view method;
  std::string_view path, query;  // as sent
  // The value of a field; several of one name joined with commas; nullopt: absent.
  std::function<std::optional<std::string>(std::string_view name)> header;
};

enum class Refusal {
  not_signed,     // no signature at all
  malformed,      // a parameter is missing, doubled or not in its form
  unknown_key,    // another access key
  other_scope,    // another service, or a region that is not ours
  bad_expires,    // X-Amz-Expires beyond 1..longest_life
  bad_signature,  // altered, or signed with another secret
  not_yet_valid,  // signed in the future
  expired
};
std::string_view to_string(Refusal refusal);

struct Verified {
  std::string path;  // decoded
  Pairs query;       // what was signed besides the X-Amz-* parameters
  Time signed_at, expires_at;
  std::optional<std::string> find(std::string_view name) const;  // of the query
};

// Whether the URL was signed by these credentials for this request and is in its time. An empty scope.region takes the
// region that the URL names. The signature is compared in constant time and before the clock is looked at: who cannot
// sign learns nothing about times.
std::variant<Verified, Refusal> verify(const Incoming& request, const Credentials& credentials, const Scope& scope,
                                       Time now);

}  // namespace toll::blob::sigv4
