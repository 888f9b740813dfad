#include "identity/client_keys.h"

#include <gtest/gtest.h>

#include <future>

#include "identity/tests/fixture.h"

namespace toll::identity {
namespace {

using metering::mutation_quota;
using metering::query_quota;
using std::chrono::seconds;

class ClientKeysTest : public IdentityTest {
 protected:
  void SetUp() override {
    IdentityTest::SetUp();
    if (IsSkipped()) return;
    create("root@example.org", "root").value();
    account = ada().id;
    quotas = std::make_unique<metering::Quotas>(db(), clock, metering::Quotas::Options{.block = 8});
    pairs = std::make_unique<ClientKeys>(clock, random, cache, *quotas, key_secret, ClientLimits{10, 10});
  }
  ClientKeySettings settings(std::optional<std::int64_t> query = {}) {
    return {"ci", {"read", "write", "delete"}, query, {}};
  }
  Result<FreshClientKey> make(std::optional<std::int64_t> query = {}, std::optional<Time> expires = {}) {
    return write([&](sql::Tx& tx) { return pairs->create(tx, account, settings(query), expires, actor); });
  }
  Result<Principal> show(const FreshClientKey& pair) {
    Authenticator with_limits(clock, cache, {key_secret, session_secret, admin_token, {10, 10}});
    auto answer = with_limits.authenticate(db(), {CredentialKind::client_pair, pair.secret, pair.key.client_id});
    if (!answer) return std::move(answer).error();
    return **answer;
  }
  bool charge(const metering::Quotas::Charge& charge) {
    std::promise<bool> answer;
    quotas->charge(charge,
                   [&](std::exception_ptr failed, auto outcome) { answer.set_value(!failed && outcome->admitted); });
    return answer.get_future().get();
  }
  // One GET, as the pipeline takes it.
  bool call(const FreshClientKey& pair) {
    const auto who = show(pair).value();
    const auto& allowed = who.quotas->query;
    if (!charge({allowed.payer, query_quota, allowed.limit, 1})) return false;
    if (allowed.shared) charge({who.subject, query_quota, metering::unlimited_quota, 1});
    return true;
  }
  int calls(const FreshClientKey& pair) {
    int passed = 0;
    while (passed < 100 && call(pair)) ++passed;
    return passed;
  }
  ClientKey found(const FreshClientKey& pair) {
    return write([&](sql::Tx& tx) { return pairs->find(tx, account, pair.key.client_id); }).value();
  }
  Result<ClientKey> slice(const FreshClientKey& pair, std::optional<std::int64_t> query) {
    return write([&](sql::Tx& tx) {
      return pairs->update(
          tx, account, pair.key.client_id, [&](ClientKeySettings& s) { s.query_slice = query; }, actor);
    });
  }

  AccountId account;
  std::unique_ptr<metering::Quotas> quotas;
  std::unique_ptr<ClientKeys> pairs;
};

TEST_P(ClientKeysTest, a_pair_needs_both_halves) {
  const auto pair = make().value();
  EXPECT_EQ(pair.key.client_id.size(), 24u);
  EXPECT_EQ(pair.secret.size(), 43u);
  const auto who = show(pair).value();
  EXPECT_EQ(who.account, account);
  EXPECT_EQ(who.scopes, (std::vector<std::string>{"read", "write", "delete"}));
  EXPECT_EQ(refusal(CredentialKind::client_pair, pair.secret, std::string(24, 'a')), Reason::bad_key);
  EXPECT_EQ(refusal(CredentialKind::client_pair, pair.secret, ""), Reason::bad_key);
  const auto other = make().value();
  EXPECT_EQ(refusal(CredentialKind::client_pair, other.secret, pair.key.client_id), Reason::bad_key);
}

TEST_P(ClientKeysTest, keys_without_a_slice_share_the_quota_of_their_account) {
  const auto one = make().value(), two = make().value();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(call(one));
  EXPECT_EQ(calls(two), 6);
  EXPECT_FALSE(call(one));
  EXPECT_EQ(found(one).query_used, 4);
  EXPECT_EQ(found(two).query_used, 6);
  EXPECT_EQ(write([&](sql::Tx& tx) { return pairs->used(tx, account); }), (ClientLimits{10, 0}));
}

TEST_P(ClientKeysTest, a_slice_is_its_keys_alone) {
  const auto sliced = make(3).value(), free = make().value();
  EXPECT_EQ(calls(free), 7);
  EXPECT_EQ(calls(sliced), 3);
}

TEST_P(ClientKeysTest, slices_and_use_outside_them_stay_within_the_quota) {
  const auto sliced = make(6).value();
  const auto refused = make(5);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::invalid_request);
  const auto free = make().value();
  EXPECT_EQ(calls(free), 4);
  EXPECT_FALSE(slice(sliced, 7));
  ASSERT_TRUE(call(sliced));
  ASSERT_TRUE(call(sliced));
  EXPECT_FALSE(slice(sliced, 1)) << "below its use";
  EXPECT_TRUE(slice(sliced, 2));
  EXPECT_EQ(calls(free), 4) << "what the slice gave up is there for the others";
}

TEST_P(ClientKeysTest, a_slice_that_comes_or_goes_takes_the_use_of_its_key_along) {
  const auto one = make().value(), two = make().value();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(call(one));
  ASSERT_TRUE(slice(one, 6));
  EXPECT_EQ(calls(two), 4) << "10 less the slice of 6";
  EXPECT_EQ(calls(one), 2) << "6 less the 4 that were used before";
  ASSERT_TRUE(slice(one, std::nullopt));
  EXPECT_EQ(calls(one), 0);
  EXPECT_EQ(calls(two), 0);
}

TEST_P(ClientKeysTest, revoking_a_key_gives_back_what_its_slice_had_left_and_no_more) {
  const auto sliced = make(6).value(), free = make().value();
  ASSERT_TRUE(call(sliced));
  ASSERT_TRUE(write([&](sql::Tx& tx) { return pairs->revoke(tx, account, sliced.key.client_id, actor); }));
  EXPECT_FALSE(show(sliced));
  EXPECT_EQ(found(sliced).status(clock.now()), ClientKeyStatus::revoked);
  EXPECT_TRUE(write([&](sql::Tx& tx) { return pairs->revoke(tx, account, sliced.key.client_id, actor); }));
  // What this process held of the slice comes back with the next reservation.
  EXPECT_EQ(calls(free), 9);
}

TEST_P(ClientKeysTest, an_expired_key_is_dead_and_its_slice_free) {
  const auto brief = make(6, clock.now() + seconds(5)).value(), free = make().value();
  EXPECT_TRUE(show(brief));
  clock.advance(seconds(5));
  EXPECT_FALSE(show(brief));
  EXPECT_EQ(found(brief).status(clock.now()), ClientKeyStatus::expired);
  EXPECT_EQ(calls(free), 10);
}

TEST_P(ClientKeysTest, a_new_secret_leaves_the_old_one_its_grace) {
  const auto pair = make().value();
  const auto fresh = write([&](sql::Tx& tx) {
                       return pairs->regenerate(tx, account, pair.key.client_id, seconds(60), actor);
                     }).value();
  EXPECT_EQ(fresh.key.client_id, pair.key.client_id);
  EXPECT_TRUE(show(pair));
  EXPECT_TRUE(show(fresh));
  clock.advance(seconds(60));
  EXPECT_FALSE(show(pair));
  EXPECT_TRUE(show(fresh));
  const auto third =
      write([&](sql::Tx& tx) { return pairs->regenerate(tx, account, pair.key.client_id, seconds(0), actor); }).value();
  EXPECT_FALSE(show(fresh)) << "without grace the old one dies at once";
  EXPECT_TRUE(show(third));
}

TEST_P(ClientKeysTest, another_accounts_pair_is_no_pair) {
  const auto pair = make().value();
  const auto bob = create("bob@example.org", "Bob").value().id;
  const auto reason = [&](auto f) {
    auto result = write(f);
    return result ? Reason::internal : result.error().reason();
  };
  const auto& id = pair.key.client_id;
  EXPECT_EQ(reason([&](sql::Tx& tx) { return pairs->revoke(tx, bob, id, actor); }), Reason::key_not_found);
  EXPECT_EQ(reason([&](sql::Tx& tx) { return pairs->regenerate(tx, bob, id, seconds(0), actor); }),
            Reason::key_not_found);
  EXPECT_EQ(reason([&](sql::Tx& tx) {
              return pairs->update(
                  tx, bob, id, [](auto&) {}, actor);
            }),
            Reason::key_not_found);
  EXPECT_TRUE(show(pair));
}

TEST_P(ClientKeysTest, a_disabled_accounts_pair_is_a_bad_key) {
  const auto pair = make().value();
  ASSERT_TRUE(write([&](sql::Tx& tx) { return accounts.set_active(tx, account, false, actor); }));
  EXPECT_EQ(refusal(CredentialKind::client_pair, pair.secret, pair.key.client_id), Reason::bad_key);
}

TEST_P(ClientKeysTest, an_account_keeps_its_uid) {
  const auto uid = write([&](sql::Tx& tx) { return pairs->uid(tx, account); });
  EXPECT_EQ(uid.size(), 24u);
  EXPECT_EQ(write([&](sql::Tx& tx) { return pairs->uid(tx, account); }), uid);
}

TEST_P(ClientKeysTest, limits_of_an_accounts_own_hold_at_once) {
  const auto pair = make().value();
  EXPECT_EQ(calls(pair), 10);
  write([&](sql::Tx& tx) { return pairs->set_limits(tx, account, {12, 10}, actor), true; });
  EXPECT_EQ(calls(pair), 2);
  write([&](sql::Tx& tx) { return pairs->set_limits(tx, account, {-1, 10}, actor), true; });
  EXPECT_EQ(calls(pair), 100) << "without limit";
  EXPECT_EQ(found(pair).query_used, 112) << "and counted all the same";
}

TOLL_ON_EVERY_ENGINE(ClientKeysTest);

}  // namespace
}  // namespace toll::identity
