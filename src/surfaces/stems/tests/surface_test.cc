#include "surfaces/stems/surface.h"

#include "api/testing/dialect_suite.h"
#include "surfaces/stems/dialect.h"

namespace toll::api::testing {

INSTANTIATE_TYPED_TEST_SUITE_P(Stems, DialectSuite, stems::Dialect);

}  // namespace toll::api::testing

namespace toll::stems {
namespace {

TEST(StemsSurface, keeps_what_every_surface_keeps) {
  api::testing::expect_sound_surface(describe());
}

TEST(StemsSurface, the_nine_documented_endpoints_take_a_session_or_a_key) {
  const std::set<std::pair<api::Method, std::string_view>> documented{
      {api::Method::post, "/upload"},          {api::Method::get, "/jobs"},
      {api::Method::get, "/jobs/{id}"},        {api::Method::get, "/jobs/{id}/stems"},
      {api::Method::get, "/download/{id}"},    {api::Method::get, "/download/{id}/{stem}"},
      {api::Method::delete_, "/jobs"},         {api::Method::post, "/jobs/{id}/retry"},
      {api::Method::post, "/jobs/{id}/cancel"}};
  std::size_t found = 0;
  for (const auto& about : describe().operations) {
    if (!documented.contains({about.method, about.path})) continue;
    ++found;
    EXPECT_EQ(about.access, api::Access::either) << about.id;
  }
  EXPECT_EQ(found, documented.size());
}

// A key opens jobs and downloads and nothing else: no route that changes keys, passwords or money takes one.
TEST(StemsSurface, keys_open_no_account_routes) {
  for (const auto& about : describe().operations) {
    const auto segment = about.path.substr(1, about.path.find('/', 1) - 1);
    if (segment == "api-key" || segment == "admin" ||
        (segment == "credits" && about.path != "/credits/packages" && about.path != "/credits/square-config")) {
      EXPECT_TRUE(about.access == api::Access::session || about.access == api::Access::admin) << about.id;
    }
  }
}

TEST(StemsDialect, session_only_routes_refuse_as_documented) {
  auto status = [](Reason reason, api::Access access) { return Dialect::fault(Fault(reason), access).status; };
  EXPECT_EQ(status(Reason::no_credentials, api::Access::either), 401);
  EXPECT_EQ(status(Reason::no_credentials, api::Access::session), 403);
  EXPECT_EQ(status(Reason::wrong_scheme, api::Access::session), 403);
  EXPECT_EQ(Dialect::fault(Fault(Reason::bad_key), api::Access::session).body,
            R"({"detail":"Could not validate credentials"})");
  EXPECT_EQ(Dialect::fault(Fault(Reason::bad_key), api::Access::either).body, R"({"detail":"Invalid API key"})");
}

TEST(StemsDialect, says_field_problems_in_the_shapes_of_the_contract) {
  auto body = [](FieldProblem problem) {
    return Dialect::fault(Fault(Reason::invalid_request).at({std::move(problem)}), api::Access::either).body;
  };
  EXPECT_EQ(body({Place::body, {"file"}, Problem::missing, "is required", "null"}),
            R"({"detail":[{"type":"missing","loc":["body","file"],"msg":"Field required","input":null}]})");
  EXPECT_EQ(
      body({Place::body, {"stem_count"}, Problem::not_a_number, "", "\"abc\""}),
      R"({"detail":[{"type":"int_parsing","loc":["body","stem_count"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"abc"}]})");
  EXPECT_EQ(
      body({Place::body, {std::int64_t{7}}, Problem::bad_json, "syntax error", "{}"}),
      R"({"detail":[{"type":"json_invalid","loc":["body",7],"msg":"JSON decode error","input":{},"ctx":{"error":"syntax error"}}]})");
  EXPECT_EQ(
      body({Place::query, {"limit"}, Problem::rejected, "must be 1 to 500", "\"0\""}),
      R"({"detail":[{"type":"value_error","loc":["query","limit"],"msg":"Value error, must be 1 to 500","input":"0","ctx":{"error":{}}}]})");
}

}  // namespace
}  // namespace toll::stems
