#include "identity/tunes_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/digest.h"
#include "identity/tests/fixture.h"

namespace toll::identity {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;

class TunesKeysTest : public IdentityTest {
 protected:
  void SetUp() override {
    IdentityTest::SetUp();
    if (IsSkipped()) return;
    create("root@example.org", "root").value();
    account = ada().id;
    on_plan(Plan::pro);
  }
  void on_plan(Plan plan) {
    ASSERT_TRUE(write([&](sql::Tx& tx) { return accounts.set_plan(tx, account, plan, actor); }));
  }
  Result<FreshTunesKey> try_make(NewTunesKey wanted) {
    if (wanted.settings.name.empty()) wanted.settings.name = "key";
    return write([&](sql::Tx& tx) { return tunes_keys.create(tx, account, wanted, actor); });
  }
  FreshTunesKey make(TunesKeySettings settings = {}) { return try_make({.settings = std::move(settings)}).value(); }
  TunesKey found(const KeyId& id) {
    return db().read([&](sql::Tx& tx) { return tunes_keys.find(tx, account, id); }).value();
  }
  Result<TunesKey> change(const KeyId& id, const std::function<void(TunesKeySettings&)>& how) {
    return write([&](sql::Tx& tx) { return tunes_keys.update(tx, account, id, how, actor); });
  }
  Result<FreshTunesKey> rotate(const KeyId& id, seconds grace = seconds(0)) {
    return write([&](sql::Tx& tx) { return tunes_keys.rotate(tx, account, id, grace, actor); });
  }
  Result<TunesKey> revoke(const KeyId& id) {
    return write([&](sql::Tx& tx) { return tunes_keys.revoke(tx, account, id, actor); });
  }
  bool works(const std::string& secret) { return who(CredentialKind::tunes_key, secret).has_value(); }

  TunesKeys tunes_keys{clock, random, cache, key_secret};
  AccountId account;
};

TEST_P(TunesKeysTest, a_key_is_shown_once_and_kept_as_a_keyed_hash) {
  const auto fresh = make({.name = "Production API",
                           .description = "what for",
                           .scopes = {"read:tracks", "write:tracks"},
                           .limits = {.minute = 5},
                           .allow_list = {"10.0.0.0/8", "::1"},
                           .metadata = R"({"team":"a"})"});
  EXPECT_TRUE(well_formed(KeyKind::tunes, fresh.secret));
  EXPECT_EQ(fresh.key.prefix, fresh.secret.substr(0, 11));
  const auto key = found(fresh.key.id);
  EXPECT_EQ(key.settings.name, "Production API");
  EXPECT_EQ(key.settings.description, "what for");
  EXPECT_THAT(key.settings.scopes, ElementsAre("read:tracks", "write:tracks"));
  EXPECT_THAT(key.settings.allow_list, ElementsAre("10.0.0.0/8", "::1"));
  EXPECT_EQ(key.settings.metadata, R"({"team":"a"})");
  EXPECT_EQ(key.limits, (metering::Limits{5, 10'000, 100'000}));
  EXPECT_EQ(key.status(clock.now()), KeyStatus::active);
  EXPECT_EQ(db().read([&](sql::Tx& tx) { return tx.one("SELECT secret_hash FROM api_keys")->text(0); }),
            hex(hmac_sha256(key_secret, fresh.secret)));
  EXPECT_THAT(audited(), ::testing::Contains("key.create"));
}

TEST_P(TunesKeysTest, the_principal_knows_all_that_the_gate_asks) {
  const auto fresh =
      make({.name = "k", .scopes = {"read:tracks"}, .limits = {.hour = 3}, .allow_list = {"10.0.0.0/8"}});
  const auto principal = who(CredentialKind::tunes_key, fresh.secret).value();
  EXPECT_EQ(principal.account, account);
  EXPECT_EQ(principal.key, fresh.key.id);
  EXPECT_EQ(principal.plan, Plan::pro);
  EXPECT_EQ(principal.limits, (metering::Limits{300, 3, 100'000}));
  EXPECT_TRUE(principal.has_scope("read:tracks"));
  EXPECT_FALSE(principal.has_scope("write:tracks"));
  ASSERT_TRUE(principal.allowed_from);
  EXPECT_TRUE(principal.allowed_from->allows(*parse_address("10.1.1.1")));
  EXPECT_FALSE(principal.allowed_from->allows(*parse_address("11.1.1.1")));
  EXPECT_FALSE(who(CredentialKind::tunes_key, make().secret)->allowed_from) << "from anywhere";
}

TEST_P(TunesKeysTest, a_lifetime_is_days_of_86400_seconds_to_the_second) {
  const auto fresh = try_make({.settings = {.name = "k"}, .lifetime_days = 90}).value();
  EXPECT_EQ(*fresh.key.expires_at - fresh.key.created_at, seconds(90 * 86'400));
  clock.advance(seconds(90 * 86'400) - Micros(1));
  EXPECT_TRUE(works(fresh.secret));
  clock.advance(Micros(1));
  EXPECT_EQ(refusal(CredentialKind::tunes_key, fresh.secret), Reason::bad_key);
  EXPECT_EQ(found(fresh.key.id).status(clock.now()), KeyStatus::expired);
}

TEST_P(TunesKeysTest, a_scope_above_the_plan_is_refused_when_it_is_new) {
  on_plan(Plan::free);
  const auto refused = try_make({.settings = {.name = "k", .scopes = {"read:tracks", "read:audio_features"}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::plan_required);
  EXPECT_EQ(refused.error().argument("scope"), "read:audio_features");
  EXPECT_EQ(refused.error().argument("plan"), "starter");

  on_plan(Plan::pro);
  const auto key = make({.name = "k", .scopes = {"train:models"}}).key;
  on_plan(Plan::starter);
  const auto add = [](TunesKeySettings& settings) { settings.scopes.push_back("read:analytics"); };
  EXPECT_EQ(change(key.id, add).error().reason(), Reason::plan_required);
  EXPECT_THAT(found(key.id).settings.scopes, ElementsAre("train:models")) << "nothing changed";
  // A downgrade leaves the list as it is; keeping what is there is no request for more.
  EXPECT_TRUE(change(key.id, [](TunesKeySettings& settings) { settings.name = "other"; }));
}

TEST_P(TunesKeysTest, a_downgrade_bites_at_once_and_an_upgrade_too) {
  const auto fresh = make({.name = "k", .limits = {.minute = 250}});
  EXPECT_EQ(who(CredentialKind::tunes_key, fresh.secret)->limits.minute, 250);
  on_plan(Plan::free);
  EXPECT_EQ(who(CredentialKind::tunes_key, fresh.secret)->limits, limits_of(Plan::free));
  EXPECT_EQ(found(fresh.key.id).limits, limits_of(Plan::free));
  on_plan(Plan::enterprise);
  EXPECT_EQ(who(CredentialKind::tunes_key, fresh.secret)->limits, (metering::Limits{250, 100'000, 1'000'000}));
  ASSERT_TRUE(write([&](sql::Tx& tx) {
    return accounts.set_own_limits(tx, account, {.minute = 7, .hour = 2'000'000, .day = {}}, actor);
  }));
  EXPECT_EQ(who(CredentialKind::tunes_key, fresh.secret)->limits, (metering::Limits{7, 2'000'000, 1'000'000}));
}

TEST_P(TunesKeysTest, switching_off_stops_a_key_at_once_and_on_revives_it) {
  const auto fresh = make();
  ASSERT_TRUE(works(fresh.secret));
  ASSERT_TRUE(change(fresh.key.id, [](TunesKeySettings& settings) { settings.active = false; }));
  EXPECT_EQ(refusal(CredentialKind::tunes_key, fresh.secret), Reason::bad_key);
  EXPECT_EQ(found(fresh.key.id).status(clock.now()), KeyStatus::inactive);
  ASSERT_TRUE(change(fresh.key.id, [](TunesKeySettings& settings) { settings.active = true; }));
  EXPECT_TRUE(works(fresh.secret));
}

TEST_P(TunesKeysTest, a_revoked_key_is_dead_for_ever_and_keeps_its_first_time) {
  const auto fresh = make();
  ASSERT_TRUE(works(fresh.secret));
  const auto first = revoke(fresh.key.id).value().revoked_at;
  EXPECT_EQ(first, clock.now());
  EXPECT_FALSE(works(fresh.secret));
  clock.advance(seconds(5));
  EXPECT_EQ(revoke(fresh.key.id).value().revoked_at, first);
  EXPECT_EQ(change(fresh.key.id, [](TunesKeySettings& s) { s.active = true; }).error().reason(), Reason::key_revoked);
  EXPECT_FALSE(works(fresh.secret));
  EXPECT_EQ(rotate(fresh.key.id).error().reason(), Reason::key_revoked);
}

TEST_P(TunesKeysTest, rotation_keeps_the_settings_and_starts_the_lifetime_anew) {
  const auto old = try_make({.settings = {.name = "k",
                                          .description = "d",
                                          .scopes = {"read:tracks"},
                                          .limits = {.minute = 5},
                                          .allow_list = {"::1"},
                                          .metadata = R"({"a":1})"},
                             .environment = Environment::staging,
                             .lifetime_days = 90})
                       .value();
  write([&](sql::Tx& tx) { return tx.exec("UPDATE api_keys SET total_requests = 9"); });
  clock.advance(seconds(1000));
  const auto fresh = rotate(old.key.id).value();
  EXPECT_NE(fresh.key.id, old.key.id);
  EXPECT_NE(fresh.secret, old.secret);
  EXPECT_EQ(fresh.key.settings.name, "k");
  EXPECT_EQ(fresh.key.settings.description, "d");
  EXPECT_EQ(fresh.key.settings.scopes, old.key.settings.scopes);
  EXPECT_EQ(fresh.key.settings.limits, old.key.settings.limits);
  EXPECT_EQ(fresh.key.settings.allow_list, old.key.settings.allow_list);
  EXPECT_EQ(fresh.key.settings.metadata, old.key.settings.metadata);
  EXPECT_EQ(fresh.key.environment, Environment::staging);
  EXPECT_EQ(*fresh.key.expires_at - clock.now(), seconds(90 * 86'400));
  EXPECT_EQ(fresh.key.rotated_from, old.key.id);
  EXPECT_EQ(fresh.key.total_requests, 0);
  EXPECT_EQ(found(old.key.id).rotated_to, fresh.key.id);
  EXPECT_EQ(found(old.key.id).status(clock.now()), KeyStatus::revoked);
  EXPECT_FALSE(works(old.secret));
  EXPECT_TRUE(works(fresh.secret));
  EXPECT_EQ(rotate(old.key.id).error().reason(), Reason::key_rotated);
}

TEST_P(TunesKeysTest, a_grace_lets_both_keys_work_until_its_end) {
  const auto old = make();
  const auto fresh = rotate(old.key.id, seconds(60)).value();
  EXPECT_TRUE(works(old.secret));
  EXPECT_TRUE(works(fresh.secret));
  EXPECT_EQ(found(old.key.id).status(clock.now()), KeyStatus::rotating);
  EXPECT_EQ(rotate(old.key.id).error().reason(), Reason::key_rotated);
  clock.advance(seconds(60) - Micros(1));
  EXPECT_TRUE(works(old.secret));
  clock.advance(Micros(1));
  EXPECT_FALSE(works(old.secret));
  EXPECT_TRUE(works(fresh.secret));
  EXPECT_EQ(found(old.key.id).status(clock.now()), KeyStatus::revoked);
}

TEST_P(TunesKeysTest, a_grace_never_outlives_the_old_keys_own_expiry) {
  const auto old = try_make({.settings = {.name = "k"}, .lifetime_days = 1}).value();
  clock.advance(seconds(86'400 - 10));
  ASSERT_TRUE(rotate(old.key.id, seconds(3600)));
  EXPECT_TRUE(works(old.secret));
  clock.advance(seconds(10));
  EXPECT_FALSE(works(old.secret));
}

TEST_P(TunesKeysTest, revoking_ends_a_grace) {
  const auto old = make();
  const auto fresh = rotate(old.key.id, seconds(3600)).value();
  ASSERT_TRUE(works(old.secret));
  ASSERT_TRUE(revoke(old.key.id));
  EXPECT_FALSE(works(old.secret));
  EXPECT_TRUE(works(fresh.secret));
}

TEST_P(TunesKeysTest, an_expired_key_may_be_rotated) {
  const auto old = try_make({.settings = {.name = "k"}, .lifetime_days = 1}).value();
  clock.advance(seconds(86'400));
  ASSERT_FALSE(works(old.secret));
  EXPECT_TRUE(works(rotate(old.key.id).value().secret));
}

TEST_P(TunesKeysTest, a_deleted_key_is_gone) {
  const auto fresh = make();
  ASSERT_TRUE(works(fresh.secret));
  ASSERT_TRUE(write([&](sql::Tx& tx) { return tunes_keys.remove(tx, account, fresh.key.id, actor); }));
  EXPECT_FALSE(works(fresh.secret));
  EXPECT_EQ(revoke(fresh.key.id).error().reason(), Reason::key_not_found);
  EXPECT_FALSE(db().read([&](sql::Tx& tx) { return tunes_keys.find(tx, account, fresh.key.id); }));
}

TEST_P(TunesKeysTest, another_accounts_key_is_no_key) {
  const auto fresh = make();
  const auto stems = make_key(account, "stems").key.id;
  const auto eve = create("eve@example.org", "eve").value().id;
  write([&](sql::Tx& tx) {
    EXPECT_FALSE(tunes_keys.find(tx, eve, fresh.key.id));
    EXPECT_EQ(tunes_keys
                  .update(
                      tx, eve, fresh.key.id, [](auto&) {}, actor)
                  .error()
                  .reason(),
              Reason::key_not_found);
    EXPECT_EQ(tunes_keys.rotate(tx, eve, fresh.key.id, seconds(0), actor).error().reason(), Reason::key_not_found);
    EXPECT_EQ(tunes_keys.revoke(tx, eve, fresh.key.id, actor).error().reason(), Reason::key_not_found);
    EXPECT_EQ(tunes_keys.remove(tx, eve, fresh.key.id, actor).error().reason(), Reason::key_not_found);
    EXPECT_EQ(tunes_keys.remove(tx, account, stems, actor).error().reason(), Reason::key_not_found)
        << "nor a stems key";
    EXPECT_TRUE(tunes_keys.list(tx, eve, {}).empty());
    return true;
  });
  EXPECT_TRUE(works(fresh.secret));
}

TEST_P(TunesKeysTest, lists_are_newest_first_and_filtered) {
  const auto one = make({.name = "same"}).key.id;
  clock.advance(seconds(1));
  const auto two = try_make({.settings = {.name = "same"}, .environment = Environment::staging}).value().key.id;
  clock.advance(seconds(1));
  const auto three = make({.name = "off", .active = false}).key.id;
  auto listed = [&](const TunesKeys::Filter& filter) {
    std::vector<KeyId> ids;
    for (const auto& key : db().read([&](sql::Tx& tx) { return tunes_keys.list(tx, account, filter); }))
      ids.push_back(key.id);
    return ids;
  };
  EXPECT_THAT(listed({}), ElementsAre(three, two, one)) << "names need not differ";
  EXPECT_THAT(listed({.environment = Environment::staging}), ElementsAre(two));
  EXPECT_THAT(listed({.active = true}), ElementsAre(two, one));
  EXPECT_THAT(listed({.active = false}), ElementsAre(three));
  ASSERT_TRUE(revoke(one));
  EXPECT_THAT(listed({.active = true}), ElementsAre(two)) << "a revoked key is not active";
}

// A caller must not learn why a key does not work, not even that its account was disabled.
TEST_P(TunesKeysTest, a_disabled_accounts_key_is_a_bad_one) {
  const auto fresh = make();
  ASSERT_TRUE(works(fresh.secret));
  ASSERT_TRUE(write([&](sql::Tx& tx) { return accounts.set_active(tx, account, false, actor); }));
  EXPECT_EQ(refusal(CredentialKind::tunes_key, fresh.secret), Reason::bad_key);
}

TEST_P(TunesKeysTest, an_account_has_a_bounded_number_of_keys) {
  for (std::size_t i = 0; i < max_tunes_keys_per_account; ++i)
    write([&](sql::Tx& tx) {
      return tx.exec(
          "INSERT INTO api_keys (id, account_id, kind, name, prefix, last_four, secret_hash, is_default, scopes, "
          "created_at) VALUES ($1, $2, 'tunes', 'k', 'p', 'l', $1, 0, '', 0)",
          random.uuid4(), account);
    });
  EXPECT_EQ(try_make({.settings = {.name = "k"}}).error().reason(), Reason::too_many_keys);
}

TEST_P(TunesKeysTest, every_change_is_audited_without_secrets) {
  const auto fresh = make();
  ASSERT_TRUE(change(fresh.key.id, [](TunesKeySettings& s) { s.name = "n"; }));
  const auto second = rotate(fresh.key.id).value();
  ASSERT_TRUE(revoke(second.key.id));
  ASSERT_TRUE(write([&](sql::Tx& tx) { return tunes_keys.remove(tx, account, second.key.id, actor); }));
  const auto rows = db().read([](sql::Tx& tx) { return audit_log(tx, 5); });
  std::vector<std::string> actions;
  for (const auto& row : rows) {
    actions.push_back(row.action);
    EXPECT_EQ(row.detail.find(fresh.secret), std::string::npos);
    EXPECT_EQ(row.detail.find(second.secret), std::string::npos);
  }
  EXPECT_THAT(actions, ElementsAre("key.delete", "key.revoke", "key.rotate", "key.update", "key.create"));
}

TOLL_ON_EVERY_ENGINE(TunesKeysTest);

// One character wrong anywhere, two changed, a piece cut off or doubled: the check refuses nearly all without a
// look-up, and none of the few that pass it is a key.
TEST(TunesKeyMutations, a_million_altered_keys_open_nothing) {
  TestRandom random;
  const auto key = generate_key(KeyKind::tunes, random);
  std::vector<std::byte> dice(16 * 4096);
  std::size_t at = dice.size();
  auto roll = [&](std::size_t sides) {
    if (at + 2 > dice.size()) {
      random.fill(dice);
      at = 0;
    }
    at += 2;
    return (std::to_integer<std::size_t>(dice[at - 2]) << 8 | std::to_integer<std::size_t>(dice[at - 1])) % sides;
  };
  const std::string_view letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-. \x80";
  std::size_t passed = 0, same = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    auto altered = key;
    switch (i % 5) {
      case 0:
        altered[roll(altered.size())] = letters[roll(letters.size())];
        break;
      case 1:
        for (int twice = 0; twice < 2; ++twice) altered[roll(altered.size())] = letters[roll(letters.size())];
        break;
      case 2:
        std::swap(altered[roll(altered.size())], altered[roll(altered.size())]);
        break;
      case 3:
        altered.erase(roll(altered.size()), 1 + roll(3));
        break;
      default:
        altered.insert(roll(altered.size()), 1 + roll(3), letters[roll(letters.size())]);
    }
    if (altered == key)
      ++same;
    else
      passed += well_formed(KeyKind::tunes, altered);
  }
  EXPECT_LT(same, 100'000u) << "the alterations alter";
  // Bursts of up to 32 bits are always found (CRC-32); two letters far apart are missed once in 2^32.
  EXPECT_EQ(passed, 0u);
}

}  // namespace
}  // namespace toll::identity
