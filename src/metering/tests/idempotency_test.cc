#include "metering/idempotency.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/digest.h"
#include "metering/tests/fixture.h"

namespace toll::metering {
namespace {

using Begun = std::variant<Proceed, Replay>;

class IdempotencyTest : public DatabaseTest {
 protected:
  Result<Begun> begin(std::optional<std::string_view> fingerprint = "abc", std::string_view key = "k-1",
                      std::string_view scope = "7 POST /upload") {
    return db().write([&](sql::Tx& tx) { return keys.begin(tx, scope, key, fingerprint); });
  }
  Ticket begin_new(std::optional<std::string_view> fingerprint = "abc") {
    return std::get<Proceed>(begin(fingerprint).value()).ticket;
  }
  Result<void> complete(const Ticket& ticket, std::string_view fingerprint = "abc") {
    return db().write([&](sql::Tx& tx) { return keys.complete(tx, ticket, fingerprint, answer); });
  }
  Reason refusal(const Result<Begun>& result) { return result ? Reason::internal : result.error().reason(); }

  TestClock clock;
  Idempotency keys{{.owner = "server-1", .hash_secret = "a secret for tests"}, clock};
  const KeptAnswer answer{201, {{"Content-Type", "application/json"}, {"Location", "/jobs/1"}}, R"({"id":"1"})"};
};

TEST(IdempotencyKey, is_printable_and_quoted_or_bare) {
  EXPECT_EQ(parse_idempotency_key("abc").value(), "abc");
  EXPECT_EQ(parse_idempotency_key("\"abc\"").value(), "abc");
  EXPECT_EQ(parse_idempotency_key(std::string(255, 'x')).value().size(), 255u);
  for (const auto& bad :
       {std::string(), std::string("\"\""), std::string(256, 'x'), std::string("a\tb"), std::string("\xc3\xa4")})
    EXPECT_EQ(parse_idempotency_key(bad).error().reason(), Reason::bad_idempotency_key) << bad;
}

TEST_P(IdempotencyTest, the_same_request_gets_the_same_answer) {
  ASSERT_TRUE(complete(begin_new()));
  const auto replay = std::get<Replay>(begin().value());
  EXPECT_EQ(replay.answer.status, 201);
  EXPECT_EQ(replay.answer.fields, answer.fields);
  EXPECT_EQ(replay.answer.body, answer.body);
}

TEST_P(IdempotencyTest, an_answer_of_any_bytes_comes_back_as_it_was) {
  std::string bytes;
  for (int i = 0; i < 512; ++i) bytes += static_cast<char>(i);
  const std::pair<std::string, std::string> type{"Content-Type", "application/octet-stream"};
  int request = 0;
  for (const auto& body : {bytes, std::string(1, '\0'), std::string("\xff"), std::string("ä"), std::string()}) {
    const auto key = "key-" + std::to_string(++request);
    const auto ticket = std::get<Proceed>(begin("abc", key).value()).ticket;
    const KeptAnswer binary{200, {type}, body};
    ASSERT_TRUE(db().write([&](sql::Tx& tx) { return keys.complete(tx, ticket, "abc", binary); }));
    const auto replay = std::get<Replay>(begin("abc", key).value());
    EXPECT_EQ(replay.answer.body, body);
    EXPECT_EQ(replay.answer.fields, binary.fields);
  }
}

TEST_P(IdempotencyTest, another_request_under_the_same_key_is_refused) {
  ASSERT_TRUE(complete(begin_new()));
  EXPECT_EQ(refusal(begin("other")), Reason::idempotency_mismatch);
}

TEST_P(IdempotencyTest, another_scope_or_key_is_another_matter) {
  ASSERT_TRUE(complete(begin_new()));
  EXPECT_TRUE(std::holds_alternative<Proceed>(begin("other", "k-2").value()));
  EXPECT_TRUE(std::holds_alternative<Proceed>(begin("other", "k-1", "8 POST /upload").value()));
}

TEST_P(IdempotencyTest, a_request_that_still_runs_is_waited_for) {
  begin_new();
  const auto second = begin();
  EXPECT_EQ(refusal(second), Reason::idempotency_running);
  EXPECT_EQ(second.error().retry_after(), std::chrono::seconds(1));
}

TEST_P(IdempotencyTest, what_was_sent_cannot_be_guessed_from_the_row) {
  ASSERT_TRUE(complete(begin_new("digest of a password"), "digest of a password"));
  const auto rows = db().read([](sql::Tx& tx) { return tx.query("SELECT fingerprint FROM idempotency_keys"); });
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_NE(rows[0].text(0), "digest of a password");
  EXPECT_NE(rows[0].text(0), hex(sha256("digest of a password")));
}

TEST_P(IdempotencyTest, uploads_are_compared_at_their_end) {
  ASSERT_TRUE(complete(begin_new(std::nullopt), "digest of the file"));
  const auto replay = std::get<Replay>(begin(std::nullopt).value());
  EXPECT_TRUE(keys.matches(replay, "digest of the file"));
  EXPECT_EQ(keys.matches(replay, "another file").error().reason(), Reason::idempotency_mismatch);
}

TEST_P(IdempotencyTest, an_abandoned_key_is_free_again) {
  const auto ticket = begin_new();
  db().write([&](sql::Tx& tx) { return keys.abandon(tx, ticket), true; });
  EXPECT_TRUE(std::holds_alternative<Proceed>(begin("other").value()));
}

TEST_P(IdempotencyTest, a_dead_owners_row_is_taken_over_and_its_late_effect_undone) {
  const auto late = begin_new();
  clock.advance(std::chrono::seconds(61));
  const auto heir = begin_new();
  EXPECT_EQ(complete(late).error().reason(), Reason::idempotency_running);
  EXPECT_TRUE(complete(heir));
  db().write([&](sql::Tx& tx) { return keys.abandon(tx, late), true; });
  EXPECT_TRUE(std::holds_alternative<Replay>(begin().value()));
}

TEST_P(IdempotencyTest, a_late_ticket_does_not_complete_a_row_made_anew) {
  const auto late = begin_new();
  clock.advance(std::chrono::seconds(61));
  const auto heir = begin_new();
  db().write([&](sql::Tx& tx) { return keys.abandon(tx, heir), true; });
  begin_new("third");
  EXPECT_FALSE(complete(late));
}

TEST_P(IdempotencyTest, a_renewed_lease_keeps_a_long_upload) {
  const auto ticket = begin_new();
  for (int minute = 0; minute < 5; ++minute) {
    clock.advance(std::chrono::seconds(50));
    EXPECT_TRUE(db().write([&](sql::Tx& tx) { return keys.renew(tx, ticket); }));
  }
  EXPECT_EQ(refusal(begin()), Reason::idempotency_running);
  EXPECT_TRUE(complete(ticket));
  EXPECT_FALSE(db().write([&](sql::Tx& tx) { return keys.renew(tx, ticket); }));
}

TEST_P(IdempotencyTest, answers_are_kept_a_day) {
  ASSERT_TRUE(complete(begin_new()));
  clock.advance(std::chrono::hours(24) - std::chrono::seconds(1));
  EXPECT_TRUE(std::holds_alternative<Replay>(begin().value()));
  EXPECT_EQ(db().write([&](sql::Tx& tx) { return keys.purge(tx); }), 0);
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(db().write([&](sql::Tx& tx) { return keys.purge(tx); }), 1);
  EXPECT_TRUE(std::holds_alternative<Proceed>(begin("other").value()));
}

TEST_P(IdempotencyTest, an_expired_answer_is_not_given_even_before_the_purge) {
  ASSERT_TRUE(complete(begin_new()));
  clock.advance(std::chrono::hours(24));
  EXPECT_TRUE(std::holds_alternative<Proceed>(begin("other").value()));
}

TEST_P(IdempotencyTest, a_restarted_server_does_not_wait_for_its_own_dead_requests) {
  begin_new();
  if (db().engine() == sql::Engine::postgres) clock.advance(std::chrono::seconds(61));
  EXPECT_EQ(db().write([&](sql::Tx& tx) { return keys.recover(tx); }), 1);
  EXPECT_TRUE(std::holds_alternative<Proceed>(begin().value()));
}

TEST_P(IdempotencyTest, the_key_itself_is_not_stored) {
  begin_new();
  db().read([&](sql::Tx& tx) {
    EXPECT_EQ(tx.one("SELECT key_hash FROM idempotency_keys").value().text(0).find("k-1"), std::string::npos);
    return true;
  });
}

TEST_P(IdempotencyTest, of_many_parallel_requests_one_proceeds) {
  std::atomic<int> proceeding{0}, running{0};
  {
    std::vector<std::jthread> crowd;
    for (int i = 0; i < 16; ++i)
      crowd.emplace_back([&] {
        const auto begun = begin();
        if (begun && std::holds_alternative<Proceed>(*begun)) ++proceeding;
        if (refusal(begun) == Reason::idempotency_running) ++running;
      });
  }
  EXPECT_EQ(proceeding.load(), 1);
  EXPECT_EQ(running.load(), 15);
}

TOLL_ON_EVERY_ENGINE(IdempotencyTest);

}  // namespace
}  // namespace toll::metering
