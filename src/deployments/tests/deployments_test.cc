#include "deployments/deployments.h"

#include "deployments/tests/fixture.h"

namespace toll::deployments {
namespace {

TEST_P(DeploymentsTest, is_found_by_its_id_and_its_name_in_its_organisation_alone) {
  const auto made = make("inv");
  const OrganisationId other("22222222-2222-4222-8222-222222222222");
  db().read([&](sql::Tx& tx) {
    EXPECT_EQ(deployments.find(tx, organisation, made.id)->settings.api_name, "inv");
    EXPECT_EQ(deployments.find_by_name(tx, organisation, "inv")->id, made.id);
    EXPECT_FALSE(deployments.find(tx, other, made.id));
    EXPECT_FALSE(deployments.find_by_name(tx, other, "inv"));
    EXPECT_FALSE(deployments.find(tx, organisation, DeploymentId("no-uuid")));
    return true;
  });
}

TEST_P(DeploymentsTest, a_name_is_one_deployments_and_free_again_after_it) {
  const auto made = make("inv");
  make("other");
  auto rename = [&](std::string_view name) {
    return write([&](sql::Tx& tx) {
      return deployments.update(
          tx, organisation, made.id, [&](Settings& s) -> Result<void> { return s.api_name = name, Result<void>(); },
          actor);
    });
  };
  EXPECT_EQ(rename("other").error().problems()[0].message,
            "This API name is already in use. Please select a different name.");
  EXPECT_TRUE(rename("inv"));
  EXPECT_TRUE(write([&](sql::Tx& tx) { return deployments.remove(tx, organisation, made.id, actor); }));
  EXPECT_EQ(write([&](sql::Tx& tx) { return deployments.remove(tx, organisation, made.id, actor); }).error().reason(),
            Reason::not_found);
  EXPECT_EQ(make("inv").settings.api_name, "inv");
}

TEST_P(DeploymentsTest, what_is_said_of_it_is_what_is_read) {
  const auto made = make("inv");
  Settings settings = made.settings;
  settings.description = "reads invoices";
  settings.type = workflows::Type::etl;
  settings.rate_limit = 3;
  settings.allowed_ips = {"10.0.0.0/8", "::1"};
  settings.allow_path_key = settings.compat_reread = true;
  settings.limits.timeout_s = 7;
  settings.parameters = {{"a", json::Array{1, "b"}}};
  write([&](sql::Tx& tx) {
    return deployments.update(
        tx, organisation, made.id, [&](Settings& s) -> Result<void> { return s = settings, Result<void>(); }, actor);
  }).value();
  const auto read = db().read([&](sql::Tx& tx) { return deployments.find(tx, organisation, made.id); }).value();
  EXPECT_EQ(read.settings.description, settings.description);
  EXPECT_EQ(read.settings.type, workflows::Type::etl);
  EXPECT_EQ(read.settings.allowed_ips, settings.allowed_ips);
  EXPECT_TRUE(read.settings.allow_path_key);
  EXPECT_TRUE(read.settings.compat_reread);
  EXPECT_EQ(read.settings.limits.timeout_s, 7);
  EXPECT_FALSE(read.settings.limits.max_files);
  EXPECT_EQ(read.settings.parameters, settings.parameters);
}

TEST_P(DeploymentsTest, a_search_means_what_it_says) {
  make("Invoices_2026");
  make("receipts");
  auto count = [&](Listing which) {
    return db().read([&](sql::Tx& tx) { return deployments.list(tx, organisation, which).count; });
  };
  EXPECT_EQ(count({}), 2);
  EXPECT_EQ(count({.search = "INVOICES"}), 1);
  EXPECT_EQ(count({.search = "%"}), 0) << "no wildcards";
  EXPECT_EQ(count({.search = "s_2"}), 1);
  EXPECT_EQ(count({.search = "s_1"}), 0);
  EXPECT_EQ(count({.api_name = "receipts"}), 1);
  EXPECT_EQ(count({.api_name = "receipt"}), 0);
}

TOLL_ON_EVERY_ENGINE(DeploymentsTest);

}  // namespace
}  // namespace toll::deployments
