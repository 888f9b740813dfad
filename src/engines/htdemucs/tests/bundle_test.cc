#include "engines/htdemucs/bundle.h"

#include <gtest/gtest.h>

namespace toll::engines::htdemucs {
namespace {

Bundle bag() {
  const std::string a(64, 'a'), b(64, 'b');
  return {"MIT", {"drums", "bass"}, {{"a.onnx", a, "a.th", b}, {"b.onnx", b, "b.th", a}}, {{1, 0.5}, {0, 0.5}}};
}

TEST(Bundle, comes_back_as_it_was_written) {
  const auto again = read_bundle(write_bundle(bag())).value();
  EXPECT_EQ(again.sources, bag().sources);
  EXPECT_EQ(again.weights, bag().weights);
  EXPECT_EQ(again.licence, "MIT");
  ASSERT_EQ(again.models.size(), 2u);
  EXPECT_EQ(again.models[1].file, "b.onnx");
  EXPECT_EQ(again.models[1].sha256, bag().models[1].sha256);
  EXPECT_EQ(again.models[1].source, "b.th");
  EXPECT_EQ(again.weights_digest(), bag().weights_digest());
}

TEST(Bundle, has_the_digest_of_its_one_checkpoint_or_of_all_in_their_order) {
  auto one = bag();
  one.models.pop_back();
  EXPECT_EQ(one.weights_digest(), std::string(64, 'b'));
  auto other = bag();
  std::swap(other.models[0], other.models[1]);
  EXPECT_NE(other.weights_digest(), bag().weights_digest());
}

TEST(Bundle, is_refused_when_it_contradicts_itself) {
  auto refused = [](auto change) {
    auto bundle = bag();
    change(bundle);
    return read_bundle(write_bundle(bundle)).error().reason() == Reason::model_unusable;
  };
  EXPECT_TRUE(refused([](Bundle& b) { b.models.clear(); }));
  EXPECT_TRUE(refused([](Bundle& b) { b.weights.pop_back(); }));
  EXPECT_TRUE(refused([](Bundle& b) { b.weights[1].pop_back(); }));
  EXPECT_TRUE(refused([](Bundle& b) { b.models[0].sha256 = "abc"; }));
  for (const char* text : {"", "[]", "{}", R"({"licence":1})"})
    EXPECT_EQ(read_bundle(text).error().reason(), Reason::model_unusable) << text;
}

}  // namespace
}  // namespace toll::engines::htdemucs
