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

TEST_F(RouterTest, finds_get_for_head_and_names_what_is_allowed) {
  EXPECT_EQ(router.find(Method::head, "/jobs/1").operation, &get);
  auto found = router.find(Method::delete_, "/jobs");
  EXPECT_EQ(found.operation, nullptr);
  EXPECT_EQ(found.allowed, (std::vector<Method>{Method::get, Method::head, Method::post}));
  EXPECT_TRUE(router.find(Method::get, "/nothing").allowed.empty());
}

TEST_F(RouterTest, refuses_a_route_that_is_taken) {
  EXPECT_THROW(router.add(list), std::logic_error);
}

}  // namespace
}  // namespace toll::api
