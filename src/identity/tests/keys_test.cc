#include "identity/keys.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "identity/key_uses.h"
#include "identity/tests/fixture.h"

namespace toll::identity {
namespace {

class KeysTest : public IdentityTest {
 protected:
  void SetUp() override {
    IdentityTest::SetUp();
    if (IsSkipped()) return;
    owner = ada().id;
    other = create("bob@example.org", "Bob")->id;
  }
  Result<FreshKey> create_key(NewKey key) {
    return write([&](sql::Tx& tx) { return keys.create(tx, owner, key, actor); });
  }
  std::vector<Key> list() {
    return db().read([&](sql::Tx& tx) { return keys.list(tx, owner, KeyKind::stems); });
  }
  AccountId owner, other;
};

TEST_P(KeysTest, are_shown_once_and_masked_after) {
  const auto fresh = make_key(owner, "laptop");
  ASSERT_TRUE(well_formed(KeyKind::stems, fresh.secret));
  const auto listed = list().at(0);
  EXPECT_EQ(listed.masked(), fresh.secret.substr(0, 7) + "..." + fresh.secret.substr(42));
  EXPECT_EQ(listed.name, "laptop");
  db().read([&](sql::Tx& tx) {
    const auto row = tx.one("SELECT secret_hash FROM api_keys").value();
    EXPECT_EQ(row.text(0).size(), 64u);
    EXPECT_EQ(row.text(0).find(fresh.secret), std::string::npos);
    return true;
  });
}

TEST_P(KeysTest, are_listed_newest_first) {
  make_key(owner, "a");
  clock.advance(std::chrono::seconds(1));
  make_key(owner, "b");
  EXPECT_EQ(list().at(0).name, "b");
  EXPECT_EQ(list().at(1).name, "a");
}

TEST_P(KeysTest, names_are_trimmed_and_unique_in_the_account) {
  EXPECT_EQ(make_key(owner, "  laptop ").key.name, "laptop");
  EXPECT_EQ(create_key({.name = "laptop"}).error().reason(), Reason::key_name_taken);
  make_key(other, "laptop");
  make_key(owner, "laptop", KeyKind::tunes);
  for (const auto& bad : {std::string(" "), std::string(65, 'x'), std::string("a\nb")})
    EXPECT_EQ(create_key({.name = bad}).error().reason(), Reason::invalid_request) << bad;
}

TEST_P(KeysTest, there_is_one_default) {
  ASSERT_TRUE(create_key({.name = "default", .is_default = true}));
  EXPECT_EQ(create_key({.name = "second", .is_default = true}).error().reason(), Reason::key_exists);
  EXPECT_EQ(db().read([&](sql::Tx& tx) { return keys.find_default(tx, owner, KeyKind::stems); })->name, "default");
  EXPECT_FALSE(db().read([&](sql::Tx& tx) { return keys.find_default(tx, other, KeyKind::stems); }));
}

TEST_P(KeysTest, parallel_requests_make_one_default_key) {
  std::atomic<int> made{0};
  {
    std::vector<std::jthread> crowd;
    for (int i = 0; i < 8; ++i)
      crowd.emplace_back([&] {
        const auto key = create_key({.name = "default", .is_default = true});
        if (key) ++made;
        if (!key) {
          EXPECT_EQ(key.error().reason(), Reason::key_exists);
        }
      });
  }
  EXPECT_EQ(made.load(), 1);
}

TEST_P(KeysTest, an_account_has_at_most_fifty) {
  for (std::size_t i = 0; i < max_keys_per_account - 1; ++i) make_key(owner, "key " + std::to_string(i));
  std::atomic<int> made{0};
  {
    std::vector<std::jthread> crowd;
    for (int i = 0; i < 6; ++i)
      crowd.emplace_back([&, i] {
        const auto key = create_key({.name = "last " + std::to_string(i)});
        if (key) ++made;
        if (!key) {
          EXPECT_EQ(key.error().reason(), Reason::too_many_keys);
          EXPECT_EQ(key.error().argument("limit"), "50");
        }
      });
  }
  EXPECT_EQ(made.load(), 1);
  EXPECT_EQ(list().size(), max_keys_per_account);
}

TEST_P(KeysTest, regenerating_keeps_id_and_name_and_kills_the_old_secret_at_once) {
  const auto old = make_key(owner, "laptop");
  ASSERT_TRUE(who(CredentialKind::stems_key, old.secret));
  const auto fresh = write([&](sql::Tx& tx) { return keys.regenerate(tx, owner, old.key.id, actor); }).value();
  EXPECT_EQ(fresh.key.id, old.key.id);
  EXPECT_EQ(fresh.key.name, "laptop");
  EXPECT_NE(fresh.secret, old.secret);
  EXPECT_EQ(refusal(CredentialKind::stems_key, old.secret), Reason::bad_key);
  EXPECT_EQ(who(CredentialKind::stems_key, fresh.secret)->key, old.key.id);
}

TEST_P(KeysTest, a_deleted_key_fails_at_once) {
  const auto key = make_key(owner, "laptop");
  ASSERT_TRUE(who(CredentialKind::stems_key, key.secret));
  ASSERT_TRUE(write([&](sql::Tx& tx) { return keys.remove(tx, owner, key.key.id, actor); }));
  EXPECT_EQ(refusal(CredentialKind::stems_key, key.secret), Reason::bad_key);
}

TEST_P(KeysTest, can_be_renamed_to_a_free_name) {
  const auto a = make_key(owner, "a");
  make_key(owner, "b");
  auto rename = [&](std::string_view name) {
    return write([&](sql::Tx& tx) { return keys.rename(tx, owner, a.key.id, name, actor); });
  };
  EXPECT_EQ(rename("b").error().reason(), Reason::key_name_taken);
  EXPECT_EQ(rename("").error().reason(), Reason::invalid_request);
  EXPECT_EQ(rename(" a ")->name, "a");
  EXPECT_EQ(rename("c")->name, "c");
  EXPECT_EQ(db().read([&](sql::Tx& tx) { return keys.find(tx, owner, a.key.id); })->name, "c");
}

TEST_P(KeysTest, another_accounts_key_is_no_key) {
  const auto key = make_key(owner, "laptop");
  const KeyId absent("00000000-0000-4000-8000-000000000000"), nonsense(std::string("\0'", 2));
  for (const auto& id : {key.key.id, absent, nonsense}) {
    EXPECT_FALSE(db().read([&](sql::Tx& tx) { return keys.find(tx, other, id); }));
    EXPECT_EQ(write([&](sql::Tx& tx) { return keys.rename(tx, other, id, "x", actor); }).error().reason(),
              Reason::key_not_found);
    EXPECT_EQ(write([&](sql::Tx& tx) { return keys.regenerate(tx, other, id, actor); }).error().reason(),
              Reason::key_not_found);
    EXPECT_EQ(write([&](sql::Tx& tx) { return keys.remove(tx, other, id, actor); }).error().reason(),
              Reason::key_not_found);
  }
}

TEST_P(KeysTest, every_change_is_audited_without_secrets) {
  const auto key = make_key(owner, "laptop");
  write([&](sql::Tx& tx) { return keys.regenerate(tx, owner, key.key.id, actor); }).value();
  ASSERT_TRUE(write([&](sql::Tx& tx) { return keys.remove(tx, owner, key.key.id, actor); }));
  const auto rows = db().read([](sql::Tx& tx) { return audit_log(tx, 3); });
  EXPECT_EQ(rows[0].action, "key.delete");
  EXPECT_EQ(rows[1].action, "key.regenerate");
  EXPECT_EQ(rows[2].action, "key.create");
  for (const auto& row : rows) {
    EXPECT_EQ(row.object, "key:" + key.key.id.value());
    EXPECT_EQ(row.detail.find(key.secret), std::string::npos);
  }
}

TEST_P(KeysTest, uses_are_added_up_and_the_last_one_is_remembered) {
  const auto key = make_key(owner, "laptop");
  const auto note = [&](std::int64_t calls, Time last, std::array<std::uint64_t, 2> address) {
    const std::array uses{metering::KeyUse{key.key.id, calls, last, address},
                          metering::KeyUse{KeyId("gone"), 1, last, {}}};
    db().write([&](sql::Tx& tx) { return write_key_uses(tx, uses), true; });
  };
  note(3, clock.now(), {0, 0xffff'cb00'7107});
  note(2, clock.now() - std::chrono::seconds(9), {});
  EXPECT_EQ(list().at(0).last_used_at, clock.now());
  db().read([&](sql::Tx& tx) {
    const auto row = tx.one("SELECT total_requests, last_used_ip FROM api_keys WHERE id = $1", key.key.id).value();
    EXPECT_EQ(row.integer(0), 5);
    EXPECT_EQ(row.text(1), "203.0.113.7");
    return true;
  });
}

TOLL_ON_EVERY_ENGINE(KeysTest);

}  // namespace
}  // namespace toll::identity
