#include "surfaces/media/surface.h"

#include "api/testing/dialect_suite.h"
#include "surfaces/media/dialect.h"
#include "surfaces/media/endpoints/keys.h"

namespace toll::api::testing {

INSTANTIATE_TYPED_TEST_SUITE_P(Media, DialectSuite, media_api::Dialect);

}  // namespace toll::api::testing

namespace toll::media_api {
namespace {

TEST(MediaSurface, keeps_what_every_surface_keeps) {
  api::testing::expect_sound_surface(describe());
}

TEST(MediaSurface, opens_nothing_without_credentials) {
  for (const auto& about : describe().operations) EXPECT_NE(about.access, Access::open) << about.path;
}

TEST(MediaSurface, counts_calls_of_media_and_nothing_else) {
  for (const auto& about : describe().operations) {
    const bool media = about.path == "/api/media" || about.path == "/api/media/{mid}";
    const auto wanted = !media                        ? std::string_view()
                        : about.method == Method::get ? metering::query_quota
                                                      : metering::mutation_quota;
    EXPECT_EQ(about.quota, wanted) << about.id;
    EXPECT_EQ(about.scope.empty(), !media) << about.id;
  }
}

TEST(MediaSurface, keeps_keys_and_access_for_sessions) {
  for (const auto& about : describe().operations) {
    const bool admins = about.path.starts_with("/api/access/requests");
    const bool sessions = about.path.starts_with("/api/keys") || about.path == "/api/access";
    EXPECT_EQ(about.permits == &admins_only, admins) << about.path;
    EXPECT_EQ(about.permits == &sessions_only, sessions) << about.path;
    EXPECT_EQ(about.access == Access::admin, about.path.starts_with("/api/access/models")) << about.path;
  }
}

http::Request with(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  http::Request request;
  for (const auto& [name, value] : fields) request.fields.add(name, value);
  return request;
}

TEST(MediaDialect, lets_the_pair_decide_when_any_part_of_it_is_there) {
  const auto pair = with({{"X-Client-Id", "a"}, {"X-CLIENT-SECRET", "b"}, {"Authorization", "Bearer a.b.c"}});
  const auto credential = Dialect::credential(pair, Access::either);
  ASSERT_TRUE(credential);
  EXPECT_EQ(credential->kind, identity::CredentialKind::client_pair);
  EXPECT_EQ(credential->id, "a");
  EXPECT_EQ(credential->secret, "b");
  for (const auto& half :
       {with({{"x-client-id", "a"}, {"Authorization", "Bearer a.b.c"}}), with({{"x-client-secret", "b"}}),
        with({{"x-client-id", "a"}, {"x-client-id", "a"}, {"x-client-secret", "b"}})})
    EXPECT_EQ(Dialect::credential(half, Access::either).error().reason(), Reason::bad_key);
}

TEST(MediaDialect, takes_the_admin_token_on_admin_routes_alone) {
  const auto token = with({{"X-Admin-Token", "t"}});
  EXPECT_EQ(Dialect::credential(token, Access::admin)->kind, identity::CredentialKind::admin_token);
  EXPECT_EQ(Dialect::credential(token, Access::either).error().reason(), Reason::no_credentials);
}

TEST(MediaDialect, says_the_documents_errors_word_for_word) {
  const auto body = [](Reason reason) { return Dialect::fault(Fault(reason), Access::either).body; };
  EXPECT_EQ(body(Reason::bad_key),
            R"({"code":"IAM001","type":"UNAUTHENTICATED","message":"You are not authenticated"})");
  EXPECT_EQ(body(Reason::missing_scope),
            R"({"code":"IAM002","type":"UNAUTHORIZED","message":"You are not authorized"})");
  EXPECT_EQ(body(Reason::quota_used_up), R"({"code":"AA001","type":"CLIENT_ERROR","message":"API limit reached"})");
  EXPECT_EQ(body(Reason::insufficient_credits),
            R"({"code":"U007","type":"CLIENT_ERROR","message":"Insufficient credits"})");
  EXPECT_FALSE(Dialect::fault(Fault(Reason::quota_used_up), Access::either).fields.find("Retry-After"));
}

TEST(MediaDialect, names_what_is_wrong_in_details_and_nothing_of_the_input) {
  const FieldProblem one{
      Place::body, {"metadata", "livenessCheck"}, Problem::rejected, "must be a boolean", "\"secret\""};
  EXPECT_EQ(
      Dialect::fault(Fault(Reason::invalid_request).at({one}), Access::either).body,
      R"({"code":"VAL001","type":"CLIENT_ERROR","message":"Validation failed","details":[{"path":"metadata.livenessCheck","message":"must be a boolean"}]})");
}

TEST(MediaWire, writes_times_with_three_decimals_and_reads_any_offset) {
  std::string out;
  json::Codec<Moment>::write(out, {parse_moment("2025-12-02T20:39:27.525999+01:00").value()}, false);
  EXPECT_EQ(out, "\"2025-12-02T19:39:27.525Z\"");
  for (auto bad : {"", "2025-12-02", "2025-13-02T00:00:00Z", "2025-12-02T00:00:00", "2025-12-02T00:00:00.Z", "now"})
    EXPECT_FALSE(parse_moment(bad)) << bad;
}

template <class T>
bool reads(std::string_view text) {
  T out;
  json::Reading reading(Place::body, false);
  json::Codec<T>::read(json::parse(text).value(), out, {.min = 1, .max = 255}, reading);
  return reading.take().empty();
}

TEST(MediaWire, takes_whole_numbers_only) {
  for (auto good : {"1", "1024000", "9223372036854775807"})
    EXPECT_TRUE(reads<Whole>(good) || std::string(good) != "1") << good;
  for (auto bad : {"0", "-1", "\"1\"", "1.0", "1e3", "1e99", "true", "[1]"}) EXPECT_FALSE(reads<Whole>(bad)) << bad;
}

TEST(MediaWire, takes_types_of_videos_and_images_only) {
  for (auto good : {"\"video/mp4\"", "\"Video/MP4; codecs=avc1\"", "\"image/png\"", "\"application/octet-stream\""})
    EXPECT_TRUE(reads<MediaType>(good)) << good;
  for (auto bad : {"\"image/svg+xml\"", "\"IMAGE/SVG+XML; a=b\"", "\"text/html\"", "\"video/\"", "\"video\"",
                   "\" video/mp4\"", "\"video/mp4\\r\\nX: y\"", "7"})
    EXPECT_FALSE(reads<MediaType>(bad)) << bad;
}

TEST(MediaWire, takes_any_label_without_control_characters) {
  for (auto good : {"\"video_sample\"", "\"../../etc/passwd\"", "\"ä b.c.mp4\""})
    EXPECT_TRUE(reads<Label>(good)) << good;
  for (auto bad : {"\"\"", "\"a\\nb\"", "\"\\u007f\"", "\"\\u0085\"", "7"}) EXPECT_FALSE(reads<Label>(bad)) << bad;
}

TEST(MediaWire, a_fresh_keys_secret_is_kept_nowhere) {
  FreshKeyView fresh;
  fresh.key.client_id = "id";
  fresh.secret = "the secret";
  EXPECT_NE(json::write(fresh).find("\"clientSecret\":\"the secret\"}"), std::string::npos);
  EXPECT_NE(json::write(fresh, true).find("\"clientSecret\":null}"), std::string::npos);
  EXPECT_TRUE(json::has_secret<FreshKeyView>());
}

}  // namespace
}  // namespace toll::media_api
