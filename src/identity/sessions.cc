#include "identity/sessions.h"

#include <boost/json.hpp>

#include <fmt/format.h>

#include "base/digest.h"
#include "base/text.h"
#include "identity/credential_cache.h"

namespace toll::identity {

namespace {

namespace json = boost::json;

constexpr std::string_view our_header = R"({"alg":"HS256","typ":"JWT"})";
constexpr std::size_t max_token_bytes = 4096;

std::string signature(std::string_view signed_part, std::string_view secret) {
  return base64url(as_text(hmac_sha256(secret, signed_part)));
}

std::optional<json::object> decode_object(std::string_view part) {
  const auto text = from_base64url(part);
  if (!text) return std::nullopt;
  boost::system::error_code broken;
  auto value = json::parse(*text, broken);
  if (broken || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

std::optional<std::string> text_member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(json::string_view(name.data(), name.size()));
  if (!value || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

// A NumericDate (RFC 7519, 2) in whole seconds.
std::optional<Time> time_member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(json::string_view(name.data(), name.size()));
  constexpr std::int64_t latest = 253'402'300'799;  // the year 9999
  if (!value || !value->is_int64() || value->get_int64() < 0 || value->get_int64() > latest) return std::nullopt;
  return Time(std::chrono::seconds(value->get_int64()));
}

std::int64_t seconds_of(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

Fault bad_session(const char* cause) {
  return Fault(Reason::bad_session).because(cause);
}

}  // namespace

std::string make_token(const Claims& claims, std::string_view secret) {
  const json::object payload{{"sub", std::to_string(claims.account.value())},
                             {"exp", seconds_of(claims.expires_at)},
                             {"iat", seconds_of(claims.issued_at)},
                             {"jti", claims.id}};
  std::string token = base64url(our_header) + "." + base64url(json::serialize(payload));
  return token + "." + signature(token, secret);
}

Result<Claims> parse_token(std::string_view token, std::string_view secret, Time now) {
  if (token.size() > max_token_bytes) return bad_session("too long");
  const auto first = token.find('.'), last = token.rfind('.');
  if (first == token.npos || first == last || token.substr(first + 1, last - first - 1).find('.') != token.npos)
    return bad_session("not three parts");
  // Before anything is parsed: only what we signed is worth reading.
  if (!equal_constant_time(signature(token.substr(0, last), secret), token.substr(last + 1)))
    return bad_session("wrong signature");
  const auto header = decode_object(token.substr(0, first));
  if (!header || text_member(*header, "alg") != "HS256") return bad_session("not HS256");
  const auto payload = decode_object(token.substr(first + 1, last - first - 1));
  if (!payload) return bad_session("the payload is no JSON object");
  const auto expires_at = time_member(*payload, "exp");
  if (!expires_at || *expires_at <= now) return bad_session(expires_at ? "expired" : "without exp");
  const auto subject = text_member(*payload, "sub");
  if (!subject) return bad_session("without sub");
  const auto account = parse_int(*subject);
  if (!account) return Reason::bad_session_subject;
  return Claims{.account = AccountId(*account),
                .id = text_member(*payload, "jti").value_or(""),
                .issued_at = time_member(*payload, "iat").value_or(Time{}),
                .expires_at = *expires_at};
}

Sessions::Sessions(const Clock& clock, Random& random, CredentialCache& cache, Options options)
    : clock_(clock), random_(random), cache_(cache), options_(std::move(options)) {}

SessionToken Sessions::open(sql::Tx& tx, AccountId account) const {
  const auto now = clock_.now();
  // What the token can say: whole seconds.
  const Time expires_at(std::chrono::seconds(seconds_of(now + options_.lifetime)));
  Claims claims{.account = account, .id = random_.uuid4(), .issued_at = now, .expires_at = expires_at};
  tx.exec("INSERT INTO sessions (id, account_id, created_at, expires_at) VALUES ($1, $2, $3, $4)", claims.id, account,
          now, expires_at);
  return {.token = make_token(claims, options_.secret), .id = claims.id, .expires_at = expires_at};
}

bool Sessions::end(sql::Tx& tx, AccountId account, std::string_view id) const {
  const auto ended = tx.exec("DELETE FROM sessions WHERE id = $1 AND account_id = $2", id, account);
  tx.after_commit([&cache = cache_, account] { cache.forget(account); });
  return ended == 1;
}

void Sessions::end_all(sql::Tx& tx, AccountId account) const {
  tx.exec("DELETE FROM sessions WHERE account_id = $1", account);
  tx.after_commit([&cache = cache_, account] { cache.forget(account); });
}

std::int64_t Sessions::purge(sql::Tx& tx, std::size_t limit) const {
  return tx.exec(
      "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
      clock_.now(), limit);
}

}  // namespace toll::identity
