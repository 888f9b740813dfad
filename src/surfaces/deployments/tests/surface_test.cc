#include "surfaces/deployments/surface.h"

#include "api/testing/dialect_suite.h"
#include "surfaces/deployments/dialect.h"
#include "surfaces/deployments/fetch.h"
#include "surfaces/deployments/order.h"

namespace toll::api::testing {

INSTANTIATE_TYPED_TEST_SUITE_P(Deployments, DialectSuite, deployed::Dialect);
INSTANTIATE_TYPED_TEST_SUITE_P(Mcp, DialectSuite, deployed::McpDialect);

}  // namespace toll::api::testing

namespace toll::deployed {
namespace {

using api::Access;
using identity::CredentialKind;

TEST(DeploymentsSurface, keeps_what_every_surface_keeps) {
  api::testing::expect_sound_surface(describe());
}

TEST(DeploymentsSurface, opens_nothing_without_credentials) {
  for (const auto& about : describe().operations) EXPECT_EQ(about.access, Access::either) << about.id;
}

// A key opens what it is for and nothing that makes keys or members.
TEST(DeploymentsSurface, a_key_never_mints_a_key) {
  std::size_t found = 0;
  for (const auto& about : describe().operations)
    for (auto part : {"/keys", "/api-keys", "/member", "/organization"})
      if (about.path.find(part) != about.path.npos) {
        ++found;
        EXPECT_EQ(about.permits, &people) << about.id;
      }
  EXPECT_GE(found, 19u);
}

TEST(DeploymentsSurface, management_is_closed_to_deployment_keys) {
  for (const auto& about : describe().operations)
    if (about.path.starts_with("/unstract/")) {
      EXPECT_TRUE(about.permits == &people || about.permits == &managers) << about.id;
    }
}

std::string body(Fault fault) {
  return Dialect::fault(fault, Access::either).body;
}

std::string client_error(std::string_view code, std::string_view detail) {
  return R"({"type":"client_error","errors":[{"code":")" + std::string(code) + R"(","detail":")" + std::string(detail) +
         R"(","attr":null}]})";
}

TEST(DeploymentsDialect, says_errors_in_the_envelope_of_the_contract) {
  EXPECT_EQ(body(Fault(Reason::bad_key)), client_error("error", "Unauthorized"));
  EXPECT_EQ(body(Fault(Reason::malformed_json)), client_error("parse_error", "JSON parse error"));
  EXPECT_EQ(body(Fault(Reason::rate_limited).retry_after(std::chrono::seconds(7))),
            client_error("throttled", "Request was throttled. Expected available in 7 seconds."));
  EXPECT_EQ(body(Fault(Reason::upload_too_large).with("limit", std::to_string(3 << 20))),
            client_error("file_too_large", "The file is larger than 3 MB"));
  EXPECT_EQ(body(Fault(Reason::method_not_allowed).with("method", "PUT")),
            client_error("method_not_allowed", R"(Method \"PUT\" not allowed.)"));
  EXPECT_EQ(body(Fault(Reason::internal)),
            R"({"type":"server_error","errors":[{"code":"error","detail":"A server error occurred.","attr":null}]})");
}

TEST(DeploymentsDialect, says_every_problem_with_its_path) {
  FieldProblem step{Place::body, {"steps", std::int64_t{2}, "with", "url"}, Problem::rejected, "That is no URL."};
  step.code = "invalid";
  const FieldProblem whole{Place::body, {}, Problem::rejected, "is too much"};
  const FieldProblem least{Place::body, {"timeout"}, Problem::rejected, "", "-2", Bound::least, -1};
  const FieldProblem name{Place::body, {"name"}, Problem::missing, "is required"};
  EXPECT_EQ(
      body(Fault(Reason::invalid_request).at({step, name, least, whole})),
      R"({"type":"validation_error","errors":[{"code":"invalid","detail":"That is no URL.","attr":"steps.2.with.url"},)"
      R"({"code":"required","detail":"This field is required.","attr":"name"},)"
      R"({"code":"min_value","detail":"Ensure this value is greater than or equal to -1.","attr":"timeout"},)"
      R"({"code":"invalid","detail":"Is too much.","attr":"non_field_errors"}]})");
}

Result<identity::Credential> shown(std::string path, std::initializer_list<std::string_view> authorization) {
  static http::Request request;
  request = {};
  request.path = std::move(path);
  for (const auto value : authorization) request.fields.add("Authorization", value);
  return Dialect::credential(request, Access::either);
}

TEST(DeploymentsDialect, takes_the_key_of_the_path_and_of_the_header_only_when_they_are_one) {
  EXPECT_EQ(shown("/deployment/unst_a/", {"Bearer unst_a"})->secret, "unst_a");
  EXPECT_EQ(shown("/deployment/unst_a/", {"bEaReR unst_a"})->secret, "unst_a");
  EXPECT_EQ(shown("/deployment/%75nst_a/", {"Bearer unst_a"})->secret, "unst_a");
  EXPECT_EQ(shown("/%64eployment/unst_a/", {"Bearer unst_b"}).error().reason(), Reason::bad_key)
      << "as the router reads it";
  EXPECT_EQ(shown("/deployment/unst_a/", {"Bearer unst_b"}).error().reason(), Reason::bad_key);
  EXPECT_EQ(shown("/deployment/unst_a/", {"Bearer "}).error().reason(), Reason::wrong_scheme);
  EXPECT_EQ(shown("/deployment/unst_a/", {"Bearer unst_a", "Bearer unst_a"}).error().reason(), Reason::wrong_scheme);
  EXPECT_EQ(shown("/deployment/unst_a/status/x", {})->secret, "unst_a") << "the deployment says whether that is enough";
  EXPECT_EQ(shown("/deployment/unst_a/docs", {"Bearer other"})->secret, "unst_a");
}

TEST(DeploymentsDialect, tells_a_missing_key_from_a_bad_one_where_the_original_does) {
  const std::string path = "/deployment/api/org/name";
  EXPECT_EQ(shown(path, {}).error().reason(), Reason::missing_api_key);
  EXPECT_EQ(shown(path, {"Basic x"}).error().reason(), Reason::missing_api_key);
  EXPECT_EQ(shown(path, {"Bearer "}).error().reason(), Reason::missing_api_key);
  EXPECT_EQ(shown(path, {"Bearer a.b.c"})->kind, CredentialKind::deployment_key);
}

TEST(DeploymentsDialect, answers_at_a_path_with_a_key_are_kept_by_nobody) {
  http::Request request;
  request.path = "/deployment/unst_a/result/x";
  http::Response response;
  Dialect::finish(request, response);
  EXPECT_EQ(response.fields.get("Cache-Control"), "no-store");
  EXPECT_EQ(response.fields.get("Referrer-Policy"), "no-referrer");
}

TEST(McpDialect, says_every_failure_to_come_in_alike) {
  for (const auto reason : {Reason::bad_key, Reason::no_credentials, Reason::api_not_found, Reason::api_inactive,
                            Reason::missing_api_key, Reason::bad_session}) {
    const auto response = McpDialect::fault(Fault(reason), Access::either);
    EXPECT_EQ(response.status, 401);
    EXPECT_EQ(response.fields.get("WWW-Authenticate"), "Bearer realm=\"tollhouse-mcp\"");
    EXPECT_NE(response.body.find(R"("code":-32001,"message":"Invalid API key or unknown API deployment")"),
              std::string::npos);
  }
}

constexpr Demands files_welcome{false, true, 32};

Result<ReadOrder> order(std::string_view text, Demands demands = files_welcome) {
  api::MixedBody body;
  body.kind = api::MixedBody::Kind::json;
  body.json = json::parse(text).value();
  return read_order(body, demands);
}

TEST(DeploymentsOrder, reads_fields_as_json_and_as_forms_spell_them) {
  const auto read = order(R"({"input_data":{"text":"a"},"timeout":"30","include_metadata":true,"unknown":1})").value();
  EXPECT_EQ(read.timeout, 30);
  EXPECT_TRUE(read.include.metadata);
  EXPECT_TRUE(read.has_input);
  api::MixedBody form;
  form.kind = api::MixedBody::Kind::form;
  form.form.texts = {{"input_data", R"({"n":1})"},
                     {"timeout", "5"},
                     {"include_metadata", "True"},
                     {"include_metrics", "off"},
                     {"presigned_urls", "https://a"},
                     {"presigned_urls", R"(["https://b"])"},
                     {"tags", ""}};
  const auto spelled = read_order(form, files_welcome).value();
  EXPECT_EQ(spelled.input_data.at("n").as_int64(), 1);
  EXPECT_EQ(spelled.timeout, 5);
  EXPECT_TRUE(spelled.include.metadata);
  EXPECT_FALSE(spelled.include.metrics);
  EXPECT_EQ(spelled.presigned_urls, (std::vector<std::string>{"https://a", "https://b"}));
}

TEST(DeploymentsOrder, says_everything_that_is_wrong_at_once) {
  const auto bad = order(
      R"({"timeout":301,"include_metadata":"perhaps","tags":"a,b","custom_data":[1],"llm_profile_id":"x","input_data":1})");
  ASSERT_FALSE(bad);
  std::vector<std::string> attrs;
  for (const auto& problem : bad.error().problems()) attrs.push_back(said(problem).attr);
  EXPECT_EQ(attrs, (std::vector<std::string>{"input_data", "custom_data", "timeout", "include_metadata", "tags",
                                             "llm_profile_id"}));
  EXPECT_EQ(bad.error().problems()[1].message, "custom_data must be a JSON object");
  EXPECT_EQ(order("[1]").error().reason(), Reason::malformed_json);
}

TEST(DeploymentsOrder, the_compatible_api_wants_a_file_unless_there_is_input) {
  const Demands compat{true, true, 100};
  EXPECT_EQ(order("{}", compat).error().problems()[0].message, "You must provide at least one file or presigned URL.");
  EXPECT_TRUE(order(R"({"input_data":{}})", compat));
  EXPECT_TRUE(order("{}"));
  api::MixedBody body;
  body.kind = api::MixedBody::Kind::form;
  for (int i = 0; i < 33; ++i) body.form.files.emplace_back("files", api::UploadedFile());
  EXPECT_EQ(read_order(body, compat).error().problems()[0].message,
            "You can upload a maximum of 32 files in total (uploaded or via presigned URLs).");
  EXPECT_EQ(read_order(body, {}).error().problems()[0].code, "files_not_accepted");
}

TEST(DeploymentsOrder, files_are_fetched_from_s3_and_listed_hosts_only) {
  const std::vector<std::string> listed{"files.example", "localhost:9000"};
  const std::string own = "https://toll.example";
  for (auto good : {"https://bucket.s3.eu-west-1.amazonaws.com/k?X-Amz-Signature=1", "https://s3.amazonaws.com/b/k",
                    "https://b.s3-accelerate.amazonaws.com/k", "https://s3-eu-west-1.amazonaws.com/b/k",
                    "https://b.s3.dualstack.us-east-2.amazonaws.com/k", "https://FILES.example/x",
                    "http://localhost:9000/b/k", "https://toll.example/objects/models/k"})
    EXPECT_TRUE(presigned_host_allowed(good, listed, own)) << good;
  for (auto bad : {"http://bucket.s3.amazonaws.com/k", "https://evil.example/k",
                   "https://s3.amazonaws.com.evil.example/k", "https://files.example@evil.example/k",
                   "https://ec2.amazonaws.com/x", "https://s3-mine-123.eu-west-1.elb.amazonaws.com/x",
                   "file:///etc/passwd", "x", "http://localhost:9001/b", "https://toll.example/unstract"})
    EXPECT_FALSE(presigned_host_allowed(bad, listed, own)) << bad;
}

TEST(DeploymentsBudget, what_one_call_has_taken_nobody_else_gets_until_it_goes) {
  Budget budget(10);
  auto first = std::make_unique<Budget::Share>(budget);
  Budget::Share second(budget);
  EXPECT_TRUE(first->grow_to(6));
  EXPECT_TRUE(first->grow_to(4)) << "it keeps what it has";
  EXPECT_FALSE(second.grow_to(5));
  EXPECT_TRUE(second.grow_to(4));
  first.reset();
  EXPECT_TRUE(second.grow_to(10));
  EXPECT_FALSE(second.grow_to(11));
}

// One call of each kind of number that JSON writes for a whole one.
TEST(DeploymentsFields, whole_numbers_are_read_however_they_are_written) {
  const auto body = json::parse(R"({"a":5,"b":5.0,"c":"5","d":5.5,"e":1e300,"f":true})").value().as_object();
  Fields fields(body);
  for (auto name : {"a", "b", "c"}) EXPECT_EQ(fields.integer(name, 0, 10), 5) << name;
  EXPECT_TRUE(fields.ok());
  for (auto name : {"d", "e", "f"}) EXPECT_FALSE(fields.integer(name, 0, 10)) << name;
  EXPECT_EQ(std::move(fields).done().error().problems().size(), 3u);
}

TEST(DeploymentsFields, reads_times_with_any_offset_and_says_them_with_milliseconds) {
  const auto noon = parse_time("2026-01-31T12:00:00Z");
  ASSERT_TRUE(noon);
  EXPECT_EQ(iso(*noon), "2026-01-31T12:00:00.000Z");
  EXPECT_EQ(parse_time("2026-01-31T13:30:00.000+01:30"), noon);
  EXPECT_EQ(parse_time("2026-01-31T09:00:00-03:00"), noon);
  for (auto bad : {"", "2026-01-31", "2026-02-30T00:00:00Z", "2026-01-31T25:00:00Z", "2026-01-31T12:00:00",
                   "2026-01-31T12:00:00.Z", "2026/01/31T12:00:00Z"})
    EXPECT_FALSE(parse_time(bad)) << bad;
}

}  // namespace
}  // namespace toll::deployed
