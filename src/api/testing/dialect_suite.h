// The conformance suite of a surface: what every dialect and every list of endpoints must keep. A surface gets it with
//
//   INSTANTIATE_TYPED_TEST_SUITE_P(Stems, DialectSuite, Dialect);
//   TEST(StemsSurface, keeps_what_every_surface_keeps) { api::testing::expect_sound_surface(describe()); }
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "api/dialect.h"
#include "api/router.h"
#include "api/surface.h"
#include "json/parse.h"

namespace toll::api::testing {

inline constexpr std::array all_access{Access::open, Access::either, Access::session, Access::admin, Access::page};

inline http::Request request_with(std::string_view header, std::string_view value) {
  http::Request request;
  request.method_text = "GET";
  request.path = "/";
  if (!header.empty()) request.fields.add(header, value);
  return request;
}

template <class D>
class DialectSuite : public ::testing::Test {};
TYPED_TEST_SUITE_P(DialectSuite);

TYPED_TEST_P(DialectSuite, says_every_reason_of_the_catalogue_with_a_status_and_a_body) {
  for (const auto& reason : reason_catalogue) {
    EXPECT_EQ(TypeParam::row(reason.reason).reason, reason.reason);
    for (auto access : all_access) {
      const auto response = TypeParam::fault(Fault(reason.reason), access);
      EXPECT_GE(response.status, 400) << reason.code;
      EXPECT_LE(response.status, 599) << reason.code;
      EXPECT_TRUE(json::parse(response.body)) << reason.code << ": " << response.body;
      EXPECT_EQ(response.fields.get("Content-Type"), "application/json");
    }
  }
}

TYPED_TEST_P(DialectSuite, keeps_the_cause_out_of_every_answer) {
  for (const auto& reason : reason_catalogue) {
    const auto response =
        TypeParam::fault(Fault(reason.reason).because("/secret/path SELECT password"), Access::either);
    EXPECT_EQ(response.body.find("secret/path"), std::string::npos) << reason.code;
    for (const auto& [name, value] : response.fields) EXPECT_EQ(value.find("secret/path"), std::string::npos) << name;
  }
}

TYPED_TEST_P(DialectSuite, writes_hostile_texts_as_json_and_nothing_else) {
  const std::string hostile = "\"}\r\n<script>\x01\xff\xf0\x9f\x8e\xb5";
  for (const auto& reason : reason_catalogue) {
    auto fault = Fault(reason.reason);
    for (auto name : {"status", "stem", "model", "limit", "needed", "balance", "code", "scope", "why"})
      fault = std::move(fault).with(name, hostile);
    EXPECT_TRUE(json::parse(TypeParam::fault(fault, Access::either).body)) << reason.code;
  }
  for (int problem = 0; problem <= static_cast<int>(Problem::rejected); ++problem) {
    FieldProblem one{Place::query, {hostile, std::int64_t{3}}, static_cast<Problem>(problem), hostile, "{}"};
    const auto response = TypeParam::fault(Fault(Reason::invalid_request).at({one, one}), Access::either);
    EXPECT_TRUE(json::parse(response.body)) << problem << ": " << response.body;
  }
}

TYPED_TEST_P(DialectSuite, tells_missing_from_malformed_credentials_and_takes_well_formed_ones) {
  EXPECT_EQ(TypeParam::credential(request_with("", ""), Access::either).error().reason(), Reason::no_credentials);
  for (std::string_view bad : {"Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "token abc"}) {
    auto credential = TypeParam::credential(request_with("Authorization", bad), Access::either);
    EXPECT_FALSE(credential) << bad;
  }
  auto session = TypeParam::credential(request_with("Authorization", "bEaReR a.b.c"), Access::either);
  ASSERT_TRUE(session);
  EXPECT_EQ(session->kind, identity::CredentialKind::session);
  EXPECT_EQ(session->secret, "a.b.c");
}

TYPED_TEST_P(DialectSuite, answers_401_with_a_challenge) {
  for (const auto& reason : reason_catalogue)
    for (auto access : all_access)
      if (auto response = TypeParam::fault(Fault(reason.reason), access); response.status == 401) {
        EXPECT_TRUE(response.fields.find("WWW-Authenticate")) << reason.code;
      }
}

REGISTER_TYPED_TEST_SUITE_P(DialectSuite, says_every_reason_of_the_catalogue_with_a_status_and_a_body,
                            keeps_the_cause_out_of_every_answer, writes_hostile_texts_as_json_and_nothing_else,
                            tells_missing_from_malformed_credentials_and_takes_well_formed_ones,
                            answers_401_with_a_challenge);

inline std::set<std::string> places_of(std::string_view path) {
  std::set<std::string> out;
  for (auto open = path.find('{'); open != path.npos; open = path.find('{', open + 1)) {
    auto inside = path.substr(open + 1, path.find('}', open) - open - 1);
    if (inside.ends_with("...")) inside.remove_suffix(3);
    out.emplace(inside);
  }
  return out;
}

inline void expect_sound_operation(const SurfaceDescription& surface, const About& about) {
  SCOPED_TRACE(about.id);
  EXPECT_TRUE(about.id.starts_with(surface.dialect.name)) << "ids begin with the surface's name";
  EXPECT_FALSE(about.summary.empty());
  std::set<std::string> declared;
  for (const auto& parameter : about.parameters)
    if (parameter.in == json::In::path) declared.emplace(parameter.name);
  EXPECT_EQ(declared, places_of(about.path)) << "every place of the path is a member of the request, and no other";
  const bool owned = std::ranges::any_of(surface.dialect.segments, [&](auto segment) {
    const auto rest = about.path.substr(1);
    return rest.starts_with(segment) && (rest.size() == segment.size() || rest[segment.size()] == '/');
  });
  EXPECT_TRUE(owned) << about.path << " is not in the surface's segments";
  if (about.idempotent) {
    EXPECT_TRUE(about.runs == Runs::write || about.runs == Runs::blocking) << "only effects need a key";
  }
  if (about.access == Access::admin) {
    EXPECT_TRUE(about.scope.empty()) << "administrators come by session";
  }
}

inline void expect_sound_surface(const SurfaceDescription& surface) {
  std::set<std::string_view> ids;
  std::set<std::pair<int, std::string_view>> routes;
  for (const auto& about : surface.operations) {
    EXPECT_TRUE(ids.insert(about.id).second) << about.id << " twice";
    EXPECT_TRUE(routes.insert({static_cast<int>(about.method), about.path}).second) << about.path << " twice";
    expect_sound_operation(surface, about);
  }
}

}  // namespace toll::api::testing
