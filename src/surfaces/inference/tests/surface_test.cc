#include "surfaces/inference/surface.h"

#include "api/testing/dialect_suite.h"
#include "surfaces/inference/dialect.h"

namespace toll::api::testing {

INSTANTIATE_TYPED_TEST_SUITE_P(Inference, DialectSuite, open_inference::Dialect);

}  // namespace toll::api::testing

namespace toll::open_inference {
namespace {

using api::Access;

TEST(InferenceSurface, keeps_what_every_surface_keeps) {
  api::testing::expect_sound_surface(describe());
}

TEST(InferenceSurface, opens_nothing_but_the_server_and_its_health_without_credentials) {
  for (const auto& about : describe().operations)
    EXPECT_EQ(about.access == Access::open, about.path == "/v2" || about.path.starts_with("/v2/health/")) << about.path;
}

http::Request with(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  http::Request request;
  for (const auto& [name, value] : fields) request.fields.add(name, value);
  return request;
}

TEST(InferenceDialect, lets_the_key_header_decide_when_it_is_there) {
  const auto request = with({{"x-api-key", "nope"}, {"Authorization", "Bearer a.b.c"}});
  const auto credential = Dialect::credential(request, Access::either);
  ASSERT_TRUE(credential);
  EXPECT_EQ(credential->kind, identity::CredentialKind::registry_key);
  EXPECT_EQ(credential->secret, "nope");
  EXPECT_EQ(Dialect::credential(with({{"x-api-key", ""}}), Access::either).error().reason(), Reason::no_credentials);
}

TEST(InferenceDialect, says_every_problem_in_one_sentence) {
  const auto fault = Fault(Reason::invalid_request)
                         .at({{Place::body, {"inputs", std::int64_t{0}, "shape"}, Problem::rejected, "must be a list"},
                              {Place::body, {"x"}, Problem::missing, "is required"}});
  EXPECT_EQ(Dialect::fault(fault, Access::either).body, R"({"error":"inputs[0].shape must be a list; x is required"})");
}

TEST(InferencePaths, take_names_of_the_registry_alone) {
  EXPECT_TRUE(fits("repo", "acme/finetune-bert"));
  for (auto bad : {"", "acme/versions", "a/b/c/d/e", "acme/..", "v2/x", "acme//x"})
    EXPECT_FALSE(fits("repo", bad)) << bad;
  EXPECT_TRUE(fits("version", "1.0+cu118"));
  for (auto bad : {"", ".", "latest/x", "a b"}) EXPECT_FALSE(fits("version", bad)) << bad;
}

}  // namespace
}  // namespace toll::open_inference
