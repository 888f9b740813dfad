#include "api/router.h"

#include <gtest/gtest.h>

#include "api/operation.h"

namespace toll::api {
namespace {

Operation at(Method method, std::string_view path) {
  Operation operation;
  operation.about.method = method;
  operation.about.path = path;
  return operation;
}

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    for (auto* operation : {&list, &get, &keys, &rest, &post}) router.add(*operation);
  }
  Operation list = at(Method::get, "/jobs"), get = at(Method::get, "/jobs/{id}"), keys = at(Method::get, "/jobs/list"),
            rest = at(Method::get, "/models/{repo...}"), post = at(Method::post, "/jobs");
  Router router;
};

TEST_F(RouterTest, answers_with_and_without_one_trailing_slash) {
  EXPECT_EQ(router.find(Method::get, "/jobs").operation, &list);
  EXPECT_EQ(router.find(Method::get, "/jobs/").operation, &list);
  EXPECT_EQ(router.find(Method::get, "/jobs//").operation, nullptr);
}

TEST_F(RouterTest, prefers_literal_segments_to_places) {
  EXPECT_EQ(router.find(Method::get, "/jobs/list").operation, &keys);
  auto found = router.find(Method::get, "/jobs/abc");
  EXPECT_EQ(found.operation, &get);
  EXPECT_EQ(found.params, std::vector<std::string>{"abc"});
}

TEST_F(RouterTest, decodes_segments_one_by_one) {
  EXPECT_EQ(router.find(Method::get, "/jobs/a%2Fb").params, std::vector<std::string>{"a/b"});
  EXPECT_EQ(router.find(Method::get, "/models/org/name%20x/").params, std::vector<std::string>{"org/name x"});
  EXPECT_EQ(router.find(Method::get, "/jobs/%zz").operation, nullptr);
  EXPECT_EQ(router.find(Method::get, "/jobs/%ff").operation, nullptr);
}

TEST_F(RouterTest, answers_below_a_prefix_too) {
  router.add(list, "/api/v1");
  router.add(get, "/api/v1");
  EXPECT_EQ(router.find(Method::get, "/api/v1/jobs/").operation, &list);
  EXPECT_EQ(router.find(Method::get, "/api/v1/jobs/7").params, std::vector<std::string>{"7"});
  EXPECT_EQ(router.find(Method::get, "/api/v2/jobs").operation, nullptr);
  EXPECT_THROW(router.add(list, "/api/v1"), std::logic_error);
}

TEST_F(RouterTest, finds_get_for_head_and_names_what_is_allowed) {
  EXPECT_EQ(router.find(Method::head, "/jobs/1").operation, &get);
  auto found = router.find(Method::delete_, "/jobs");
  EXPECT_EQ(found.operation, nullptr);
  EXPECT_EQ(found.allowed, (std::vector<Method>{Method::get, Method::head, Method::post}));
  EXPECT_TRUE(router.find(Method::get, "/nothing").allowed.empty());
}

TEST_F(RouterTest, matches_what_stands_behind_many_segments_from_the_right) {
  auto files = at(Method::get, "/models/{repo...}/files"), one = at(Method::get, "/models/{repo...}/versions/{v}"),
       put = at(Method::put, "/models/{repo...}/versions/{v}/uploads/start");
  for (auto* operation : {&files, &one, &put}) router.add(*operation);
  EXPECT_EQ(router.find(Method::get, "/models/a/b/files").operation, &files);
  EXPECT_EQ(router.find(Method::get, "/models/a%2Fb/files/").params, std::vector<std::string>{"a/b"});
  EXPECT_EQ(router.find(Method::get, "/models/a/b").operation, &rest);
  EXPECT_EQ(router.find(Method::get, "/models/a/b/versions/v1").params, (std::vector<std::string>{"a/b", "v1"}));
  EXPECT_EQ(router.find(Method::put, "/models/a/versions/v1/uploads/start").operation, &put);
  EXPECT_EQ(router.find(Method::get, "/models/a/versions/v1/uploads/start").allowed, std::vector<Method>{Method::put});
  // Nothing is left for the place of many: the literal is its value.
  EXPECT_EQ(router.find(Method::get, "/models/files").params, std::vector<std::string>{"files"});
}

TEST_F(RouterTest, leaves_out_routes_whose_places_do_not_take_a_value) {
  auto picky = at(Method::get, "/v1/{repo...}/files"), wide = at(Method::get, "/v1/{path...}");
  picky.about.fits = [](std::string_view place, std::string_view value) { return place == "repo" && value != "no"; };
  for (auto* operation : {&picky, &wide}) router.add(*operation);
  EXPECT_EQ(router.find(Method::get, "/v1/yes/files").operation, &picky);
  EXPECT_EQ(router.find(Method::get, "/v1/no/files").operation, &wide);
}

TEST_F(RouterTest, refuses_a_route_that_is_taken) {
  EXPECT_THROW(router.add(list), std::logic_error);
}

}  // namespace
}  // namespace toll::api
