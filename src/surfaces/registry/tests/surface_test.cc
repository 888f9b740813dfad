#include "surfaces/registry/surface.h"

#include "api/testing/dialect_suite.h"
#include "surfaces/registry/dialect.h"
#include "surfaces/registry/wire.h"

namespace toll::api::testing {

INSTANTIATE_TYPED_TEST_SUITE_P(Registry, DialectSuite, registry::Dialect);

}  // namespace toll::api::testing

namespace toll::registry {
namespace {

using api::Access;

TEST(RegistrySurface, keeps_what_every_surface_keeps) {
  api::testing::expect_sound_surface(describe());
}

TEST(RegistrySurface, opens_nothing_but_health_and_registration_without_credentials) {
  for (const auto& about : describe().operations)
    EXPECT_EQ(about.access == Access::open, about.path == "/healthz" || about.path == "/v1/users/register")
        << about.path;
}

TEST(RegistrySurface, keeps_admin_routes_for_administrators_and_dev_routes_for_developers) {
  for (const auto& about : describe().operations) {
    EXPECT_EQ(about.access == Access::admin, about.path.starts_with("/v1/admin/")) << about.path;
    EXPECT_EQ(about.permits == &developers_only, about.path.starts_with("/v1/dev/")) << about.path;
  }
}

http::Request with(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  http::Request request;
  for (const auto& [name, value] : fields) request.fields.add(name, value);
  return request;
}

TEST(RegistryDialect, lets_the_key_header_decide_when_it_is_there) {
  const auto request = with({{"x-api-key", "nope"}, {"Authorization", "Bearer a.b.c"}});
  const auto credential = Dialect::credential(request, Access::either);
  ASSERT_TRUE(credential);
  EXPECT_EQ(credential->kind, identity::CredentialKind::registry_key);
  EXPECT_EQ(credential->secret, "nope");
  EXPECT_EQ(Dialect::credential(with({{"x-api-key", ""}}), Access::either).error().reason(), Reason::no_credentials);
  const auto hub = with({{"Authorization", "Bearer hf_abc"}});
  EXPECT_EQ(Dialect::credential(hub, Access::either)->kind, identity::CredentialKind::registry_key);
}

TEST(RegistryDialect, takes_a_session_on_admin_routes_and_never_a_key) {
  const auto session = with({{"Authorization", "Bearer a.b.c"}});
  EXPECT_EQ(Dialect::credential(session, Access::admin)->kind, identity::CredentialKind::session);
  const auto key = with({{"Authorization", "Bearer sk_live_x"}, {"x-api-key", "sk_live_x"}});
  const auto shown = Dialect::credential(key, Access::admin);
  EXPECT_EQ(shown->kind, identity::CredentialKind::admin_token);
  EXPECT_EQ(shown->secret, "");
  EXPECT_EQ(Dialect::fault(Fault(Reason::admin_required), Access::admin).body, R"({"detail":"invalid admin token"})");
  EXPECT_EQ(Dialect::fault(Fault(Reason::no_admin_token), Access::admin).status, 503);
}

std::string body(FieldProblem problem) {
  return Dialect::fault(Fault(Reason::invalid_request).at({std::move(problem)}), Access::either).body;
}

TEST(RegistryDialect, says_field_problems_in_the_shapes_of_the_contract) {
  EXPECT_EQ(
      body({Place::query, {"expires"}, Problem::rejected, "", "\"59\"", Bound::least, 60}),
      R"({"detail":[{"type":"greater_than_equal","loc":["query","expires"],"msg":"Input should be greater than or equal to 60","input":"59","ctx":{"ge":60}}]})");
  EXPECT_EQ(
      body({Place::body, {"name"}, Problem::rejected, "", "\"\"", Bound::shortest, 1}),
      R"({"detail":[{"type":"string_too_short","loc":["body","name"],"msg":"String should have at least 1 character","input":"","ctx":{"min_length":1}}]})");
  EXPECT_EQ(
      body({Place::body, {"visibility"}, Problem::rejected, "", "\"x\"", Bound::pattern, 0, "^(private|public)$"}),
      R"({"detail":[{"type":"string_pattern_mismatch","loc":["body","visibility"],"msg":"String should match pattern '^(private|public)$'","input":"x","ctx":{"pattern":"^(private|public)$"}}]})");
  EXPECT_EQ(
      body({Place::query, {"limit"}, Problem::not_a_number, "", "\"99999999999999999999\"", Bound::digits}),
      R"({"detail":[{"type":"int_parsing_size","loc":["query","limit"],"msg":"Unable to parse input string as an integer, exceeded maximum size","input":"99999999999999999999"}]})");
  EXPECT_EQ(body({Place::body, {}, Problem::no_body, "", "null"}),
            R"({"detail":[{"type":"missing","loc":["body"],"msg":"Field required","input":null}]})");
}

TEST(RegistryDialect, names_the_header_of_a_reused_idempotency_key) {
  EXPECT_EQ(
      Dialect::fault(Fault(Reason::idempotency_mismatch), Access::either).body,
      R"({"detail":[{"type":"idempotency_key_reused","loc":["header","Idempotency-Key"],"msg":"Idempotency-Key was used with another request","input":null}]})");
}

TEST(RegistryWire, reads_the_grant_of_the_document_as_its_shell_sends_it) {
  EXPECT_EQ(unquoted_object("{platform_user_id:42,repo_id:acme/finetune-bert,permitted_from_ts:1700}"),
            R"({"platform_user_id":42,"repo_id":"acme/finetune-bert","permitted_from_ts":1700})");
  for (auto other : {"", "{", "{}", "{a}", "{a:}", "{:1}", "{a:1,}x", "{\"a\":1", "{a:b c}", "{a:{b:1}}", "[1]"})
    EXPECT_FALSE(unquoted_object(other)) << other;
}

TEST(RegistryPaths, prefer_repositories_of_two_segments_and_hold_to_a_whole_one) {
  auto repos = [](std::string_view path) {
    std::vector<std::string> out;
    for (const auto& one : download_paths(path)) out.push_back(one.repo_id + ":" + one.rfilename);
    return out;
  };
  EXPECT_EQ(repos("/v1/files/acme/bert/onnx/model.onnx/download/"),
            (std::vector<std::string>{"acme/bert:onnx/model.onnx", "acme:bert/onnx/model.onnx",
                                      "acme/bert/onnx:model.onnx"}));
  EXPECT_EQ(repos("/v1/files/acme%2Fbert/onnx%2Fmodel.onnx/download"),
            std::vector<std::string>{"acme/bert:onnx/model.onnx"});
  EXPECT_EQ(repos("/v1/files/acme/bert/download/download").front(), "acme/bert:download");
  EXPECT_TRUE(repos("/v1/files/acme/bert/..%2Fx/download").empty());
  EXPECT_TRUE(repos("/v1/files/acme/%ff/download").empty());
  EXPECT_TRUE(repos("/v1/files/acme/download").empty());
}

TEST(RegistryPaths, take_no_words_of_routes_and_no_dots_as_names) {
  EXPECT_TRUE(fits("repo", "acme/finetune-bert"));
  for (auto bad : {"", "acme/files", "a/b/c/d/e", "acme/..", "v1/x", "acme//x", "acme/b%2F", "acme/ä"})
    EXPECT_FALSE(fits("repo", bad)) << bad;
  EXPECT_TRUE(fits("version", "1.0+cu118"));
  for (auto bad : {"", ".", "..", "latest/x", "complete", "a b"}) EXPECT_FALSE(fits("version", bad)) << bad;
}

}  // namespace
}  // namespace toll::registry
