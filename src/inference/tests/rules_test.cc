// What may run, what fits, who has room.
#include <gtest/gtest.h>

#include "inference/batch.h"
#include "inference/checks.h"
#include "inference/places.h"
#include "inference/target.h"

namespace toll::inference {
namespace {

models::Serving serving(std::initializer_list<std::string> files, std::string engine = "onnx") {
  models::Serving out{.repo_id = "acme/tiny", .version = "v1", .engine = std::move(engine), .digest = "d", .files = {}};
  for (const auto& name : files) out.files.push_back({name, {}, 1});
  return out;
}

std::string picked(std::initializer_list<std::string> files, std::string_view name = {}) {
  const auto target = target_of(serving(files), name);
  return target ? target->file.rfilename : std::string(target.error().code());
}

TEST(InferenceTarget, is_the_only_onnx_file_or_the_usual_name_or_the_one_named) {
  EXPECT_EQ(picked({"README.md", "weights/net.onnx"}), "weights/net.onnx");
  EXPECT_EQ(picked({"a.onnx", "model.onnx", "onnx/model.onnx"}), "model.onnx");
  EXPECT_EQ(picked({"a.onnx", "onnx/model.onnx"}), "onnx/model.onnx");
  EXPECT_EQ(picked({"a.onnx", "b.onnx"}), "model_unusable");
  EXPECT_EQ(picked({"a.onnx", "b.onnx"}, "b.onnx"), "b.onnx");
  EXPECT_EQ(picked({"a.onnx"}, "b.onnx"), "file_not_found");
  EXPECT_EQ(picked({"model.safetensors"}, "model.safetensors"), "file_not_found");
  EXPECT_EQ(picked({"model.safetensors"}), "model_unusable");
}

TEST(InferenceTarget, runs_only_what_its_card_offers_to_the_engine) {
  for (const auto* engine : {"", "separation"})
    EXPECT_EQ(target_of(serving({"model.onnx"}, engine), "").error().reason(), Reason::model_unusable);
}

const Schema schema{
    {{"x", ElementType::float32, {-1, 3}}, {"n", ElementType::int64, {}}}, {{"y", ElementType::float32, {-1}}}, {}};

Tensor tensor(std::string name, ElementType type, std::vector<std::int64_t> shape, std::size_t bytes) {
  return {std::move(name), type, std::move(shape), std::string(bytes, '\0')};
}
const auto n = tensor("n", ElementType::int64, {}, 8);

std::vector<std::string> problems(const std::vector<Tensor>& inputs, const std::vector<std::string>& outputs = {}) {
  const auto checked = check_call(schema, inputs, outputs, {1000, 63});
  std::vector<std::string> out;
  if (checked) return out;
  for (const auto& one : checked.error().problems()) out.push_back(std::get<0>(one.path.front()) + " " + one.message);
  return out;
}

TEST(InferenceChecks, take_what_fits) {
  EXPECT_TRUE(problems({tensor("x", ElementType::float32, {2, 3}, 24), n}, {"y"}).empty());
}

TEST(InferenceChecks, tell_every_problem_at_once) {
  const std::vector<std::string> expected{"x must be float32, not float64",
                                          "z is no input of this model",
                                          "z is given twice",
                                          "n is required",
                                          "w is no output of this model",
                                          "y is wanted twice"};
  EXPECT_EQ(problems({tensor("x", ElementType::float64, {2, 3}, 48), tensor("z", ElementType::int8, {1}, 1),
                      tensor("z", ElementType::int8, {1}, 1)},
                     {"w", "y", "y"}),
            expected);
}

TEST(InferenceChecks, compare_rank_extents_and_elements) {
  auto x = [&](std::vector<std::int64_t> shape, std::size_t bytes) {
    return problems({tensor("x", ElementType::float32, std::move(shape), bytes), n});
  };
  EXPECT_EQ(x({3}, 12), std::vector<std::string>{"x must have the rank 2 (shape [-1,3]), not [3]"});
  EXPECT_EQ(x({1, 4}, 16), std::vector<std::string>{"x must have the shape [-1,3], not [1,4]; -1 takes any extent"});
  EXPECT_EQ(x({2, 3}, 20), std::vector<std::string>{"x must have 6 elements for its shape, not 5"});
  EXPECT_EQ(x({0, 3}, 0), std::vector<std::string>()) << "a tensor may have no elements";
  EXPECT_EQ(x({0, 3}, 12), std::vector<std::string>{"x must have 0 elements for its shape, not 3"});
  EXPECT_EQ(x({INT64_MAX, 3}, 12), std::vector<std::string>{"x cannot have the shape [9223372036854775807,3]"});
  EXPECT_EQ(x({1LL << 61, 3}, 0).size(), 1u) << "a product of bytes that wraps around to none";
  EXPECT_EQ(x({100, 3}, 1200), std::vector<std::string>{"inputs must have at most 1000 bytes together"});
}

TEST(InferencePlaces, are_bounded_for_all_and_for_one) {
  Places places({.calls = 3, .calls_of_account = 2, .bytes = 100, .bytes_of_account = 100});
  auto first = places.take(AccountId(1)).value();
  auto second = places.take(AccountId(1)).value();
  EXPECT_EQ(places.take(AccountId(1)).error().reason(), Reason::too_many_requests);
  auto third = places.take(AccountId(2)).value();
  EXPECT_EQ(places.take(AccountId(3)).error().reason(), Reason::overloaded);
  first.reset();
  EXPECT_TRUE(places.take(AccountId(3)));
  EXPECT_EQ(places.taken(), 2u);
}

TEST(InferencePlaces, leave_room_for_the_bytes_of_others) {
  Places places({.calls = 9, .calls_of_account = 9, .bytes = 100, .bytes_of_account = 60});
  auto first = places.take(AccountId(1)).value();
  auto second = places.take(AccountId(1)).value();
  auto other = places.take(AccountId(2)).value();
  ASSERT_TRUE(first->hold(40));
  EXPECT_EQ(second->hold(21).error().reason(), Reason::too_many_requests);
  ASSERT_TRUE(second->hold(20));
  EXPECT_EQ(other->hold(41).error().reason(), Reason::overloaded);
  ASSERT_TRUE(other->hold(40));
  ASSERT_TRUE(first->hold(10)) << "less is always possible";
  ASSERT_TRUE(other->hold(60));
  second.reset();
  EXPECT_TRUE(first->hold(40));
}

TEST(InferenceBatches, are_of_models_whose_every_first_extent_is_open) {
  const TensorInfo open{"x", ElementType::float32, {-1, 2}}, closed{"x", ElementType::float32, {1, 2}};
  const std::vector<Tensor> inputs{tensor("x", ElementType::float32, {5, 2}, 40)};
  EXPECT_EQ(rows_of({{open}, {open}, {}}, inputs), 5);
  EXPECT_EQ(rows_of({{open}, {closed}, {}}, inputs), 0);
  EXPECT_EQ(rows_of({{open}, {{"y", ElementType::float32, {}}}, {}}, inputs), 0);
}

TEST(InferenceBatches, share_a_run_only_when_nothing_but_the_rows_differs) {
  inference::Run a, b;
  a.outputs = b.outputs = {"y"};
  a.inputs = {tensor("x", ElementType::float32, {5, 2}, 40)};
  b.inputs = {tensor("x", ElementType::float32, {1, 2}, 8)};
  EXPECT_TRUE(can_share(a, b));
  b.inputs.front().shape = {1, 2, 1};
  EXPECT_FALSE(can_share(a, b));
  b.inputs.front().shape = {1, 3};
  EXPECT_FALSE(can_share(a, b));
  b.inputs = a.inputs;
  b.outputs = {"z"};
  EXPECT_FALSE(can_share(a, b));
}

}  // namespace
}  // namespace toll::inference
