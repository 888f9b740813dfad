#include "surfaces/tunes/surface.h"

#include "api/testing/dialect_suite.h"
#include "base/text.h"
#include "surfaces/tunes/dialect.h"
#include "surfaces/tunes/page.h"
#include "surfaces/tunes/wire.h"

namespace toll::api::testing {

INSTANTIATE_TYPED_TEST_SUITE_P(Tunes, DialectSuite, tunes::Dialect);

}  // namespace toll::api::testing

namespace toll::tunes {
namespace {

using identity::CredentialKind;

TEST(TunesSurface, keeps_what_every_surface_keeps) {
  api::testing::expect_sound_surface(describe());
}

// A key opens the library and nothing that makes keys, plans or money.
TEST(TunesSurface, a_key_never_mints_a_key) {
  std::size_t found = 0;
  for (const auto& about : describe().operations)
    if (about.path.starts_with("/api-keys")) {
      ++found;
      EXPECT_EQ(about.access, api::Access::session) << about.id;
    }
  EXPECT_GE(found, 7u);
}

TEST(TunesSurface, every_route_that_takes_keys_asks_for_a_known_scope) {
  for (const auto& about : describe().operations)
    if (about.access == api::Access::either && about.path != "/api/v1/auth/me") {
      EXPECT_TRUE(identity::lowest_plan(about.scope)) << about.id << " asks for '" << about.scope << "'";
    }
}

std::string body(Fault fault) {
  return Dialect::fault(fault, api::Access::either).body;
}

TEST(TunesDialect, says_errors_in_the_words_of_the_contract) {
  EXPECT_EQ(body(Fault(Reason::bad_key)),
            R"({"error":"Invalid API key","detail":"The API key is unknown, inactive, expired or revoked."})");
  EXPECT_EQ(body(Fault(Reason::bad_session)),
            R"({"error":"Not authenticated","detail":"Could not validate credentials"})");
  EXPECT_EQ(body(Fault(Reason::ip_not_allowed)), R"({"error":"Invalid API key","detail":"IP address not allowed"})");
  EXPECT_EQ(
      body(Fault(Reason::missing_scope).with("scope", "read:tracks")),
      R"({"error":"Insufficient permissions","detail":"The API key lacks the scope read:tracks","required_scope":"read:tracks","required_plan":null})");
  EXPECT_EQ(
      body(Fault(Reason::plan_required).with("scope", "train:models").with("plan", "pro")),
      R"({"error":"Insufficient permissions","detail":"train:models needs the plan pro or a higher one","required_scope":"train:models","required_plan":"pro"})");
  EXPECT_EQ(
      body(Fault(Reason::session_required)),
      R"({"error":"Insufficient permissions","detail":"This takes a session; an API key will not do","required_scope":null,"required_plan":null})");
  EXPECT_EQ(
      body(Fault(Reason::insufficient_credits).with("needed", "2.5").with("balance", "1")),
      R"({"error":"Insufficient credits","detail":"This needs 2.5 credits and the balance is 1","required_micro_credits":2500000,"balance_micro_credits":1000000})");
  EXPECT_EQ(
      body(Fault(Reason::invalid_request)
               .at({{Place::body, {"scopes", std::int64_t{1}}, Problem::rejected, "is not a scope", "\"x\""},
                    {Place::body, {"name"}, Problem::missing, "is required", "null"}})),
      R"({"error":"Validation failed","detail":"scopes.1: is not a scope","errors":[{"loc":["body","scopes",1],"msg":"is not a scope","type":"value_error"},{"loc":["body","name"],"msg":"is required","type":"missing"}]})");
}

Result<identity::Credential> shown(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  static http::Request request;
  request = {};
  for (const auto& [name, value] : fields) request.fields.add(name, value);
  return Dialect::credential(request, api::Access::either);
}

TEST(TunesDialect, knows_a_key_from_a_session_by_its_shape) {
  EXPECT_EQ(shown({{"Authorization", "Bearer tt_x"}})->kind, CredentialKind::tunes_key);
  EXPECT_EQ(shown({{"Authorization", "bearer a.b.c"}})->kind, CredentialKind::session);
  EXPECT_EQ(shown({{"X-API-Key", "tt_x"}})->kind, CredentialKind::tunes_key);
  EXPECT_EQ(shown({{"Authorization", "Bearer a.b.c"}, {"X-API-Key", "tt_x"}})->kind, CredentialKind::session)
      << "Authorization wins";
  for (std::string_view other : {"sk_live_abc", "xx_abc", "abc", "a.b", "a.b.c.d", "unst_x"})
    EXPECT_EQ(shown({{"Authorization", std::string("Bearer ").append(other)}}).error().reason(), Reason::bad_key)
        << other;
  EXPECT_EQ(shown({{"X-API-Key", "a.b.c"}}).error().reason(), Reason::bad_key) << "no session in this header";
  EXPECT_EQ(shown({}).error().reason(), Reason::no_credentials);
}

// A proxy in front might look at the other one.
TEST(TunesDialect, refuses_a_credential_that_is_there_twice) {
  EXPECT_EQ(shown({{"Authorization", "Bearer tt_x"}, {"Authorization", "Bearer tt_x"}}).error().reason(),
            Reason::bad_key);
  EXPECT_EQ(shown({{"X-API-Key", "tt_x"}, {"X-API-Key", "tt_y"}}).error().reason(), Reason::bad_key);
}

constexpr Time noon = Time(std::chrono::seconds(1'758'967'483));  // 2025-09-27T10:04:43Z

metering::Verdict verdict_of(const metering::Limits& limits, int calls) {
  metering::Windows windows;
  metering::Verdict verdict;
  for (int i = 0; i < calls; ++i) verdict = windows.charge(limits, noon);
  return verdict;
}

TEST(TunesDialect, shows_the_window_that_is_closest_to_exhaustion) {
  http::Response response;
  Dialect::limits(verdict_of({60, 1000, 10'000}, 15), noon, response);
  EXPECT_EQ(response.fields.get("X-RateLimit-Limit"), "60");
  EXPECT_EQ(response.fields.get("X-RateLimit-Remaining"), "45");
  EXPECT_EQ(response.fields.get("X-RateLimit-Reset"), "2025-09-27T10:05:00Z");
  EXPECT_EQ(response.fields.get("RateLimit-Policy"),
            R"("minute";q=60;w=60, "hour";q=1000;w=3600, "day";q=10000;w=86400)");
  EXPECT_EQ(response.fields.get("RateLimit"), R"("minute";r=45;t=17, "hour";r=985;t=3317, "day";r=9985;t=50117)");
  EXPECT_TRUE(response.body.empty());
}

TEST(TunesDialect, names_the_exhausted_windows_of_a_refused_call_only) {
  auto refused = [](const metering::Limits& limits, int calls) {
    auto response = Dialect::fault(Fault(Reason::rate_limited), api::Access::either);
    Dialect::limits(verdict_of(limits, calls), noon, response);
    return response;
  };
  EXPECT_EQ(
      refused({10, 100, 1000}, 11).body,
      R"({"error":"Rate limit exceeded","window":"minute","reset_at":"2025-09-27T10:05:00Z","rate_limit_info":{"minute":{"limit":10,"remaining":0,"reset_at":"2025-09-27T10:05:00Z"}}})");
  const auto both = refused({3, 3, 1000}, 4);
  EXPECT_EQ(
      both.body,
      R"({"error":"Rate limit exceeded","window":"hour","reset_at":"2025-09-27T11:00:00Z","rate_limit_info":{"minute":{"limit":3,"remaining":0,"reset_at":"2025-09-27T10:05:00Z"},"hour":{"limit":3,"remaining":0,"reset_at":"2025-09-27T11:00:00Z"}}})");
  EXPECT_EQ(both.fields.get("X-RateLimit-Reset"), "2025-09-27T11:00:00Z");
}

TEST(TunesWire, reads_times_with_any_offset) {
  const auto ten = parse_time("2025-09-27T10:00:00Z");
  ASSERT_TRUE(ten);
  EXPECT_EQ(iso_seconds(*ten), "2025-09-27T10:00:00");
  EXPECT_EQ(parse_time("2025-09-27T12:00:00+02:00"), ten);
  EXPECT_EQ(parse_time("2025-09-27t04:30:00.000-05:30"), ten);
  EXPECT_EQ(*parse_time("2025-09-27T10:00:00.1234567Z") - *ten, Micros(123'456));
  for (std::string_view bad : {"", "2025-09-27", "2025-09-27T10:00:00", "2025-02-29T10:00:00Z", "2025-09-27T24:00:00Z",
                               "2025-09-27T10:00:00.Z", "2025-09-27T10:00:00Zx", "2025-09-27T10:00:00+2:00",
                               "2025-09-27T10:00:00+02:60", "-025-09-27T10:00:00Z"})
    EXPECT_FALSE(parse_time(bad)) << bad;
}

TEST(TunesPage, a_cursor_is_read_as_it_was_written_and_nothing_else_is_one) {
  const std::array<std::int64_t, 2> numbers{-7, 1'758'967'483'000'001};
  const auto text = cursor_text(numbers, "550e8400-e29b-41d4-a716-446655440000");
  std::array<std::int64_t, 2> read{};
  std::string id;
  ASSERT_TRUE(read_cursor(text, read, id));
  EXPECT_EQ(read, numbers);
  EXPECT_EQ(id, "550e8400-e29b-41d4-a716-446655440000");
  std::array<std::int64_t, 1> one{};
  EXPECT_FALSE(read_cursor(text, one, id)) << "of a list with another order";
  for (const auto& bad : {std::string(), std::string("x"), text + "A", base64url("1 2"), base64url("1 x id"),
                          base64url("1 2 "), std::string(1000, 'A')})
    EXPECT_FALSE(read_cursor(bad, read, id)) << bad;
}

TEST(TunesPage, the_next_page_is_the_same_list_from_the_cursor_on) {
  http::Request request;
  request.path = "/api/v1/tracks";
  request.query = "genre=drum%26bass&after=old&limit=5";
  request.target = request.path + "?" + request.query;
  request.fields.add("Host", "music.example:8443");
  EXPECT_EQ(href_of(request, ""), "http://music.example:8443/api/v1/tracks?genre=drum%26bass&after=old&limit=5");
  EXPECT_EQ(next_of(request, "https://api.example", "new"),
            "https://api.example/api/v1/tracks?genre=drum%26bass&limit=5&after=new");
  request.fields.set("Host", "evil\">; rel=x");
  EXPECT_EQ(href_of(request, ""), request.target) << "no header injection";
}

}  // namespace
}  // namespace toll::tunes
