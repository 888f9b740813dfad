#include "identity/organisations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/digest.h"
#include "identity/key_format.h"
#include "identity/organisation_keys.h"
#include "identity/tests/fixture.h"

namespace toll::identity {
namespace {

using std::chrono::seconds;

class OrganisationsTest : public IdentityTest {
 protected:
  void SetUp() override {
    IdentityTest::SetUp();
    if (IsSkipped()) return;
    create("root@example.org", "root").value();
    account = ada().id;
    other = create("bob@example.org", "bob").value().id;
    home = write([&](sql::Tx& tx) -> Result<std::string> { return organisations.personal(tx, account); }).value();
  }
  std::vector<Organisation> of(AccountId who) {
    return db().read([&](sql::Tx& tx) { return organisations.of(tx, who); });
  }
  Result<Member> put(std::string_view email, OrganisationRole role) {
    return write([&](sql::Tx& tx) { return organisations.put_member(tx, home, email, role, actor); });
  }
  Result<FreshOrganisationKey> make_key(std::string deployment = {}, OrganisationKeySettings settings = {"k", {}, {}}) {
    return write([&](sql::Tx& tx) { return keys_of.create(tx, {home, account, deployment}, settings, actor); });
  }
  bool works(const std::string& secret) { return who(CredentialKind::deployment_key, secret).has_value(); }

  Organisations organisations{clock, random};
  OrganisationKeys keys_of{clock, random, cache, key_secret};
  AccountId account, other;
  std::string home;
};

TEST_P(OrganisationsTest, every_account_has_one_of_its_own_and_keeps_it) {
  const auto again = write([&](sql::Tx& tx) -> Result<std::string> { return organisations.personal(tx, account); });
  EXPECT_EQ(again.value(), home);
  ASSERT_EQ(of(account).size(), 1u);
  EXPECT_TRUE(of(account)[0].personal);
  EXPECT_EQ(of(account)[0].owner, account);
}

TEST_P(OrganisationsTest, who_is_no_member_cannot_tell_it_from_none) {
  db().read([&](sql::Tx& tx) {
    EXPECT_TRUE(organisations.find(tx, home, account));
    EXPECT_FALSE(organisations.find(tx, home, other));
    EXPECT_FALSE(organisations.find(tx, "no-uuid", account));
    return true;
  });
}

TEST_P(OrganisationsTest, members_come_get_other_roles_and_go_and_the_owner_stays) {
  EXPECT_EQ(put("BOB@example.org", OrganisationRole::viewer)->role, OrganisationRole::viewer);
  EXPECT_EQ(of(other).at(0).role, OrganisationRole::viewer);
  EXPECT_EQ(put("bob@example.org", OrganisationRole::member)->role, OrganisationRole::member);
  EXPECT_EQ(put("nobody@example.org", OrganisationRole::member).error().reason(), Reason::account_not_found);
  EXPECT_EQ(put("ada@example.org", OrganisationRole::viewer).error().reason(), Reason::owner_stays);
  EXPECT_EQ(put("bob@example.org", OrganisationRole::owner).error().reason(), Reason::owner_stays);
  auto remove = [&](AccountId who) {
    return write([&](sql::Tx& tx) { return organisations.remove_member(tx, home, who, actor); });
  };
  EXPECT_EQ(remove(account).error().reason(), Reason::owner_stays);
  EXPECT_TRUE(remove(other));
  EXPECT_EQ(remove(other).error().reason(), Reason::not_found);
  EXPECT_TRUE(of(other).empty());
  EXPECT_THAT(audited(), ::testing::Contains("organisation.member_removed"));
}

TEST_P(OrganisationsTest, a_key_says_whose_it_is_and_is_kept_as_a_keyed_hash) {
  const auto fresh = make_key("the-deployment").value();
  EXPECT_TRUE(well_formed(KeyKind::deployment, fresh.secret));
  EXPECT_EQ(fresh.key.masked, fresh.secret.substr(0, 9) + "..." + fresh.secret.substr(fresh.secret.size() - 4));
  const auto principal = who(CredentialKind::deployment_key, fresh.secret).value();
  EXPECT_EQ(principal.organisation, home);
  EXPECT_EQ(principal.deployment, "the-deployment");
  EXPECT_EQ(principal.account, account);
  EXPECT_TRUE(who(CredentialKind::deployment_key, make_key()->secret).value().deployment.empty());
  EXPECT_EQ(db().read([&](sql::Tx& tx) {
    return tx.one("SELECT secret_hash FROM api_keys WHERE id = $1", fresh.key.id)->text(0);
  }),
            hex(hmac_sha256(key_secret, fresh.secret)));
}

TEST_P(OrganisationsTest, a_rotated_key_works_until_its_grace_ends_and_its_successor_from_now_on) {
  const auto old = make_key("d", {"n", {"10.0.0.0/8"}, {}}).value();
  auto rotate = [&](seconds grace) {
    return write([&](sql::Tx& tx) { return keys_of.rotate(tx, home, old.key.id, grace, actor); });
  };
  const auto fresh = rotate(seconds(5)).value();
  EXPECT_EQ(fresh.key.settings.allowed_ips, old.key.settings.allowed_ips);
  EXPECT_EQ(fresh.key.rotated_from, old.key.id);
  EXPECT_TRUE(works(old.secret));
  EXPECT_TRUE(works(fresh.secret));
  EXPECT_EQ(rotate(seconds(0)).error().reason(), Reason::key_rotated);
  clock.advance(seconds(5));
  EXPECT_FALSE(works(old.secret));
  EXPECT_TRUE(works(fresh.secret));
}

TEST_P(OrganisationsTest, a_revoked_removed_or_expired_key_opens_nothing_from_the_next_request_on) {
  const auto revoked = make_key("d").value(), removed = make_key("d").value();
  const auto expiring = make_key("d", {"n", {}, clock.now() + seconds(1)}).value();
  for (const auto& one : {revoked, removed, expiring}) ASSERT_TRUE(works(one.secret));
  write([&](sql::Tx& tx) { return keys_of.revoke(tx, home, revoked.key.id, actor); }).value();
  write([&](sql::Tx& tx) { return keys_of.remove(tx, home, removed.key.id, actor); }).value();
  EXPECT_FALSE(works(revoked.secret));
  EXPECT_FALSE(works(removed.secret));
  EXPECT_TRUE(works(expiring.secret));
  clock.advance(seconds(1));
  EXPECT_FALSE(works(expiring.secret));
  const auto left = db().read([&](sql::Tx& tx) { return keys_of.list(tx, home, {.deployment = "d"}); });
  EXPECT_EQ(left.count, 2) << "a removed key is hidden, a revoked one is not";
}

TEST_P(OrganisationsTest, keys_of_another_organisation_are_no_keys) {
  const auto key = make_key("d").value().key.id;
  const auto theirs =
      write([&](sql::Tx& tx) -> Result<std::string> { return organisations.personal(tx, other); }).value();
  EXPECT_FALSE(db().read([&](sql::Tx& tx) { return keys_of.find(tx, theirs, key); }));
  EXPECT_EQ(write([&](sql::Tx& tx) { return keys_of.revoke(tx, theirs, key, actor); }).error().reason(),
            Reason::key_not_found);
}

TEST_P(OrganisationsTest, all_keys_of_a_deployment_go_together) {
  const auto one = make_key("d").value(), another = make_key("e").value();
  write([&](sql::Tx& tx) -> Result<void> {
    keys_of.remove_of_deployment(tx, home, "d", actor);
    return {};
  }).value();
  EXPECT_FALSE(works(one.secret));
  EXPECT_TRUE(works(another.secret));
}

TOLL_ON_EVERY_ENGINE(OrganisationsTest);

}  // namespace
}  // namespace toll::identity
