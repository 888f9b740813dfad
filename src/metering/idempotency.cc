#include "metering/idempotency.h"

#include <algorithm>

#include "base/digest.h"
#include "base/text.h"

namespace toll::metering {

namespace {

// One "name: value" a line; header fields hold no line ends.
// Columns of text hold neither NUL nor broken UTF-8: a body that is no text is kept as base64, and this line, which no
// header field can be, says so.
constexpr std::string_view as_base64 = ":body: base64\n";

bool is_text(std::string_view body) {
  return body.find('\0') == body.npos && valid_utf8(body);
}

std::string write_fields(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string out;
  for (const auto& [name, value] : fields) out += name + ": " + value + "\n";
  return out;
}

std::vector<std::pair<std::string, std::string>> read_fields(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> fields;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    const auto colon = line.find(": ");
    fields.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    text.remove_prefix(end + 1);
  }
  return fields;
}

Fault running() {
  return Fault(Reason::idempotency_running).retry_after(std::chrono::seconds(1));
}

struct Kept {
  bool done;
  std::optional<std::string> fingerprint;
  std::int64_t token;
  Time lease_until;
  Time expires_at;
  KeptAnswer answer;
};

KeptAnswer answer_of(int status, std::string_view fields, const std::string& body) {
  if (!fields.starts_with(as_base64)) return {status, read_fields(fields), body};
  fields.remove_prefix(as_base64.size());
  return {status, read_fields(fields), from_base64url(body).value()};
}

// Locks the row until the transaction ends.
std::optional<Kept> find_row(sql::Tx& tx, std::string_view scope, std::string_view key_hash) {
  static constexpr std::string_view select =
      "SELECT state, fingerprint, token, lease_until, expires_at, status, fields, body FROM idempotency_keys "
      "WHERE scope = $1 AND key_hash = $2";
  static const std::string locking = std::string(select) + " FOR UPDATE";
  const auto row = tx.one(tx.engine() == sql::Engine::postgres ? std::string_view(locking) : select, scope, key_hash);
  if (!row) return std::nullopt;
  Kept kept{.done = row->text(0) == "done",
            .fingerprint = row->maybe_text(1),
            .token = row->integer(2),
            .lease_until = row->time(3),
            .expires_at = row->time(4),
            .answer = {}};
  if (kept.done) kept.answer = answer_of(static_cast<int>(row->integer(5)), row->text(6), row->text(7));
  return kept;
}

}  // namespace

Result<std::string> parse_idempotency_key(std::string_view header) {
  if (header.size() >= 2 && header.front() == '"' && header.back() == '"') header = header.substr(1, header.size() - 2);
  bool fine = !header.empty() && header.size() <= 255;
  for (char c : header) fine = fine && c >= 0x20 && c <= 0x7e;
  if (!fine) return Reason::bad_idempotency_key;
  return std::string(header);
}

// The digest of a request can be tried against guesses of what it holds (a password): so it is stored under the secret.
std::string Idempotency::seal(std::string_view fingerprint) const {
  return hex(hmac_sha256(options_.hash_secret, fingerprint));
}

Result<void> Idempotency::matches(const Replay& replay, std::string_view fingerprint) const {
  if (replay.sealed != seal(fingerprint)) return Reason::idempotency_mismatch;
  return {};
}

Result<std::variant<Proceed, Replay>> Idempotency::begin(sql::Tx& tx, std::string_view scope, std::string_view key,
                                                         std::optional<std::string_view> fingerprint) const {
  using Begun = std::variant<Proceed, Replay>;
  const auto now = clock_.now();
  std::optional<std::string> sealed;
  if (fingerprint) sealed = seal(*fingerprint);
  Ticket ticket{std::string(scope), hex(hmac_sha256(options_.hash_secret, key)), to_micros(now)};
  const auto added = tx.exec(
      "INSERT INTO idempotency_keys (scope, key_hash, state, fingerprint, owner, token, lease_until, created_at, "
      "expires_at) VALUES ($1, $2, 'running', $3, $4, $5, $6, $7, $8) ON CONFLICT (scope, key_hash) DO NOTHING",
      ticket.scope, ticket.key_hash, sealed, options_.owner, ticket.token, now + options_.lease, now,
      now + options_.keep);
  if (added == 1) return Begun(Proceed{std::move(ticket)});

  auto kept = find_row(tx, ticket.scope, ticket.key_hash);
  if (!kept) return running();  // another transaction has just freed it
  const bool stale = kept->done ? kept->expires_at <= now : kept->lease_until <= now;
  if (!stale) {
    // A running request whose fingerprint is known to differ will not become this one's answer.
    if (sealed && kept->fingerprint && *kept->fingerprint != *sealed) return Reason::idempotency_mismatch;
    if (!kept->done) return running();
    return Begun(Replay{std::move(kept->answer), kept->fingerprint.value_or("")});
  }
  ticket.token = std::max(to_micros(now), kept->token + 1);
  tx.exec(
      "UPDATE idempotency_keys SET state = 'running', fingerprint = $3, owner = $4, token = $5, lease_until = $6, "
      "created_at = $7, expires_at = $8, status = NULL, fields = NULL, body = NULL WHERE scope = $1 AND key_hash = $2",
      ticket.scope, ticket.key_hash, sealed, options_.owner, ticket.token, now + options_.lease, now,
      now + options_.keep);
  return Begun(Proceed{std::move(ticket)});
}

Result<void> Idempotency::complete(sql::Tx& tx, const Ticket& ticket, std::string_view fingerprint,
                                   const KeptAnswer& answer) const {
  const bool text = is_text(answer.body);
  const auto fields = (text ? "" : std::string(as_base64)) + write_fields(answer.fields);
  const auto done = tx.exec(
      "UPDATE idempotency_keys SET state = 'done', fingerprint = $4, status = $5, fields = $6, body = $7, "
      "expires_at = $8 WHERE scope = $1 AND key_hash = $2 AND token = $3 AND state = 'running'",
      ticket.scope, ticket.key_hash, ticket.token, seal(fingerprint), answer.status, fields,
      text ? answer.body : base64url(answer.body), clock_.now() + options_.keep);
  if (done != 1) return running();
  return {};
}

void Idempotency::abandon(sql::Tx& tx, const Ticket& ticket) const {
  tx.exec("DELETE FROM idempotency_keys WHERE scope = $1 AND key_hash = $2 AND token = $3 AND state = 'running'",
          ticket.scope, ticket.key_hash, ticket.token);
}

bool Idempotency::renew(sql::Tx& tx, const Ticket& ticket) const {
  return tx.exec(
             "UPDATE idempotency_keys SET lease_until = $4 "
             "WHERE scope = $1 AND key_hash = $2 AND token = $3 AND state = 'running'",
             ticket.scope, ticket.key_hash, ticket.token, clock_.now() + options_.lease) == 1;
}

std::int64_t Idempotency::recover(sql::Tx& tx) const {
  if (tx.engine() == sql::Engine::sqlite) return tx.exec("DELETE FROM idempotency_keys WHERE state = 'running'");
  return tx.exec("DELETE FROM idempotency_keys WHERE state = 'running' AND lease_until <= $1", clock_.now());
}

std::int64_t Idempotency::purge(sql::Tx& tx, std::size_t limit) const {
  return tx.exec(
      "DELETE FROM idempotency_keys WHERE (scope, key_hash) IN (SELECT scope, key_hash FROM idempotency_keys "
      "WHERE expires_at <= $1 AND (state = 'done' OR lease_until <= $1) ORDER BY expires_at LIMIT $2)",
      clock_.now(), limit);
}

}  // namespace toll::metering
