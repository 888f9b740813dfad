// Idempotency-Key: an answer of the 2xx kind is kept for a day and given again; the effect happens once.
//
//   begin (own transaction) -> Proceed: do the work, then in the SAME transaction as its effect complete(ticket, ...);
//                              on any other end abandon(ticket), so that the key is free again.
//                           -> Replay: give the kept answer again, after comparing fingerprints (matches()).
//
// A running row belongs to a server instance (owner) and has a lease; long uploads renew it. When the owner is gone the
// lease runs out and the next caller takes the row over with a new token; complete() of the old one is then refused,
// which undoes its effect.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sql/database.h"

namespace toll::metering {

// The header's value without its quotes. Faults: bad_idempotency_key unless 1 to 255 printable ASCII characters.
Result<std::string> parse_idempotency_key(std::string_view header);

// The caller has already replaced secrets by null.
struct KeptAnswer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> fields;  // Content-Type, Location
  std::string body;                                         // any bytes
};

// The right to complete one running row.
struct Ticket {
  std::string scope;
  std::string key_hash;
  std::int64_t token = 0;  // the time it began: a row that was freed and made again has another
};

struct Proceed {
  Ticket ticket;
};

struct Replay {
  KeptAnswer answer;
  std::string sealed;  // fingerprint of the first request, as it is stored; compared already if begin() was given one
};

class Idempotency {
 public:
  struct Options {
    std::string owner;        // this server instance; new at every start
    std::string hash_secret;  // keys and fingerprints are stored only as HMAC-SHA-256 under it
    Micros lease = std::chrono::seconds(60);
    Micros keep = std::chrono::hours(24);
  };
  Idempotency(Options options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}

  // scope: account, method and path as one text. fingerprint: of the request, when it is known before the work (a
  // digest of the body); streamed uploads know it at the end. Faults: idempotency_running (Retry-After 1),
  // idempotency_mismatch.
  Result<std::variant<Proceed, Replay>> begin(sql::Tx& tx, std::string_view scope, std::string_view key,
                                              std::optional<std::string_view> fingerprint) const;
  // Faults: idempotency_mismatch unless this is the fingerprint of the replayed request.
  Result<void> matches(const Replay& replay, std::string_view fingerprint) const;
  // In the transaction of the effect. Faults: idempotency_running when the row was taken over meanwhile.
  Result<void> complete(sql::Tx& tx, const Ticket& ticket, std::string_view fingerprint,
                        const KeptAnswer& answer) const;
  // Frees the key; harmless when the row is not this ticket's any more.
  void abandon(sql::Tx& tx, const Ticket& ticket) const;
  // False when the row is not this ticket's any more.
  bool renew(sql::Tx& tx, const Ticket& ticket) const;

  // At start. SQLite has one server, so every running row is a dead one's; with PostgreSQL those whose lease has run
  // out go.
  std::int64_t recover(sql::Tx& tx) const;
  // Removes up to `limit` rows that are older than they are kept.
  std::int64_t purge(sql::Tx& tx, std::size_t limit = 1000) const;

 private:
  std::string seal(std::string_view fingerprint) const;

  Options options_;
  const Clock& clock_;
};

}  // namespace toll::metering
