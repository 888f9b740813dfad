// An organisation with a workflow that others wrote, over a fresh database, with a clock that stands still.
#pragma once

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/random.h"
#include "deployments/deployments.h"
#include "identity/accounts.h"
#include "identity/credential_cache.h"
#include "identity/organisations.h"
#include "sql/testing/databases.h"

namespace toll::deployments {

class DeploymentsTest : public ::testing::TestWithParam<sql::Engine> {
 protected:
  sql::Database& db() { return *database_; }
  template <class F>
  auto write(F f) {
    return db().write(f);
  }
  void SetUp() override {
    TOLL_SKIP_WITHOUT(GetParam());
    database_ = sql::testing::fresh_database(GetParam());
    organisation = OrganisationId(write([&](sql::Tx& tx) -> Result<std::string> {
                                    const auto account = accounts.create(tx, {"ada@example.org", "Ada", "hash"}, actor);
                                    return organisations.personal(tx, account.value().id);
                                  }).value());
  }
  Deployment make(std::string name) {
    Settings settings;
    settings.api_name = settings.display_name = std::move(name);
    settings.workflow = WorkflowId("11111111-1111-4111-8111-111111111111");
    return write([&](sql::Tx& tx) { return deployments.create(tx, organisation, settings, actor); }).value();
  }

  TestClock clock;
  TestRandom random;
  identity::CredentialCache cache{clock};
  identity::Accounts accounts{clock, cache, {}};
  identity::Organisations organisations{clock, random};
  Deployments deployments{clock, random};
  const identity::Actor actor = identity::operator_actor();
  OrganisationId organisation;

 private:
  sql::testing::Fresh database_;
};

#define TOLL_ON_EVERY_ENGINE(Suite)                                                            \
  INSTANTIATE_TEST_SUITE_P(Engines, Suite, ::testing::ValuesIn(::toll::sql::testing::engines), \
                           ::toll::sql::testing::engine_name)

}  // namespace toll::deployments
