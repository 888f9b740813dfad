#include "separations/trained.h"

#include "base/digest.h"
#include "models/tests/fixture.h"

namespace toll::separations {
namespace {

using engines::htdemucs::Bundle;
using models::testing::RegistryTest;

constexpr std::string_view repo = "tollhouse/htdemucs";

class TrainedModelsTest : public RegistryTest {
 protected:
  // A version as the import makes it, of weights that this letter stands for.
  void install(char letter, const std::string& version) {
    const std::string content = "network " + std::string(1, letter), digest(64, letter);
    const Bundle bundle{"MIT", {"drums", "bass"}, {{"model0.onnx", hex(sha256(content)), "a.th", digest}}, {}};
    const auto description = engines::htdemucs::write_bundle(bundle);
    const std::vector<models::SnapshotFile> files{
        {"model0.onnx", staged(content), {}}, {std::string(engines::htdemucs::bundle_file), staged(description), {}}};
    ASSERT_TRUE(write([&](sql::Tx& tx) { return snapshots.add_version(tx, repo, version, {}, files); }));
    clock.advance(std::chrono::seconds(1));
  }
  std::optional<Trained> installed(const TrainedModels& trained) {
    return read([&](sql::Tx& tx) { return trained.installed(tx, "htdemucs"); });
  }
  TrainedModels looking(bool runnable = true) {
    return TrainedModels(clock, *store_, [runnable] { return runnable; });
  }
};

TEST_P(TrainedModelsTest, the_newest_version_serves_unless_production_names_another) {
  const auto trained = looking();
  EXPECT_FALSE(installed(trained));
  install('a', "v1");
  EXPECT_EQ(installed(trained).value().served_by, "htdemucs@aaaaaaaaaaaa");
  install('b', "v2");
  EXPECT_EQ(installed(trained).value().served_by, "htdemucs@bbbbbbbbbbbb");
  const auto operators = models::Viewer::the_operator();
  ASSERT_TRUE(write([&](sql::Tx& tx) { return publishing.set_alias(tx, operators, repo, "production", "v1", trace); }));
  EXPECT_EQ(installed(trained).value().served_by, "htdemucs@aaaaaaaaaaaa");
}

TEST_P(TrainedModelsTest, what_was_recorded_serves_until_it_is_removed) {
  const auto trained = looking();
  install('a', "v1");
  const auto then = installed(trained).value().serving;
  install('b', "v2");
  const auto recorded = [&] {
    return read([&](sql::Tx& tx) { return trained.recorded(tx, then.repo_id, then.version, then.digest); });
  };
  EXPECT_EQ(recorded().value().served_by, "htdemucs@aaaaaaaaaaaa");
  const auto operators = models::Viewer::the_operator();
  ASSERT_TRUE(write([&](sql::Tx& tx) { return publishing.remove_version(tx, operators, repo, "v1", trace); }));
  EXPECT_EQ(recorded().error().reason(), Reason::model_unusable);
}

TEST_P(TrainedModelsTest, nothing_serves_on_a_machine_that_cannot_run_it) {
  install('a', "v1");
  EXPECT_FALSE(installed(looking(false)));
}

TEST_P(TrainedModelsTest, what_an_account_publishes_under_the_name_serves_nobody) {
  install('a', "v1");
  const auto somebody = account();
  write([&](sql::Tx& tx) {
    return tx.exec("UPDATE model_repos SET owner_id = $2 WHERE repo_id = $1", repo, somebody.account);
  });
  EXPECT_FALSE(installed(looking()));
}

INSTANTIATE_TEST_SUITE_P(Engines, TrainedModelsTest, ::testing::ValuesIn(sql::testing::engines),
                         sql::testing::engine_name);

}  // namespace
}  // namespace toll::separations
