#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <optional>
#include <thread>

#include "base/digest.h"
#include "engine/sandbox.h"
#include "engine/sanitizers.h"
#include "engines/onnx/onnx_engine.h"
#include "engines/onnx/runtime.h"
#include "engines/onnx/tests/support.h"

namespace toll::engines::onnx {
namespace {
using namespace testing;

class Quiet final : public engine::Progress {
  void report(double) override {}
};

bool is_mapped(std::string_view name) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.find(name) != line.npos) return true;
  return false;
}

// 0: finding the runtime says what loading it does, and leaves nothing behind.
int find_and_load() {
  if (is_mapped("libonnxruntime")) return 1;
  const bool found = find_runtime().has_value();
  if (is_mapped("libonnxruntime")) return 2;
  return found == load_runtime().has_value() ? 0 : 3;
}

// In a process of its own, where nothing else has loaded it.
TEST(RuntimeDeathTest, is_found_without_being_kept) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::exit(find_and_load()), ::testing::ExitedWithCode(0), "");
}

class Onnx : public ::testing::Test {
 protected:
  void SetUp() override {
    if (auto loaded = load_runtime(); !loaded) GTEST_SKIP() << loaded.error().describe();
  }
  // Runs `model` on x and keeps y.
  Result<engine::Output> run(const std::string& model, const std::string& x, const Request& request,
                             std::stop_token stop = {}) {
    const MemoryFile model_file(model), x_file(x);
    y_.emplace();
    Quiet quiet;
    return engine_->run(
        {write_request(request), {{"model", model_file.fd()}, {"input.x", x_file.fd()}}, {{"output.y", y_->fd()}}, {}},
        quiet, std::move(stop));
  }
  std::unique_ptr<engine::Engine> engine_ = make_onnx_engine();
  std::optional<MemoryFile> y_;
};

TEST_F(Onnx, computes_what_the_model_says) {
  ASSERT_TRUE(run(affine_model(), raw({1, 2, 3}), {}).has_value());
  EXPECT_EQ(floats(y_->content()), (std::vector<float>{3, 5, 7}));
}

TEST_F(Onnx, tells_the_schema_of_a_model) {
  const MemoryFile model(affine_model({-1, 4}));
  Quiet quiet;
  Request request{.action = Request::Action::describe};
  const auto output = engine_->run({write_request(request), {{"model", model.fd()}}, {}, {}}, quiet, {});
  const auto schema = parse_schema(output.value().answer).value();
  ASSERT_EQ(schema.inputs.size(), 1u);
  EXPECT_EQ(schema.inputs[0].name, "x");
  EXPECT_EQ(schema.inputs[0].type, ElementType::float32);
  EXPECT_EQ(schema.inputs[0].shape, (Shape{-1, 4}));
  EXPECT_EQ(schema.outputs.at(0).name, "y");
  EXPECT_EQ(schema.metadata.at("kind"), "affine");
}

TEST_F(Onnx, gives_the_same_in_batches_as_at_once) {
  std::vector<float> x(7 * 4);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  Request request{.shapes = {{"x", {7, 4}}}};
  ASSERT_TRUE(run(affine_model({-1, 4}), raw(x), request).has_value());
  const auto whole = y_->content();
  request.batch = 3;
  const auto output = run(affine_model({-1, 4}), raw(x), request);
  ASSERT_TRUE(output.has_value());
  EXPECT_EQ(y_->content(), whole);
  EXPECT_NE(output->answer.find("[7,4]"), std::string::npos) << output->answer;
}

TEST_F(Onnx, refuses_a_file_of_another_digest) {
  const auto model = affine_model();
  EXPECT_TRUE(run(model, raw({1, 2, 3}), {.sha256 = hex(sha256(model))}).has_value());
  const auto refused = run(model, raw({1, 2, 3}), {.sha256 = std::string(64, '0')});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().reason(), Reason::model_unusable);
}

TEST_F(Onnx, refuses_inputs_that_do_not_fit) {
  for (const auto& x : {raw({1, 2}), raw({1, 2, 3, 4}), std::string()}) {
    const auto refused = run(affine_model(), x, {});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().reason(), Reason::invalid_request);
  }
}

TEST_F(Onnx, refuses_a_malformed_model_with_a_reason) {
  for (auto model : {std::string("no model"), affine_model().substr(0, 60)}) {
    const auto refused = run(model, raw({1, 2, 3}), {});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().reason(), Reason::model_unusable);
    EXPECT_FALSE(refused.error().argument("why").empty());
  }
  GraphWriter unknown;
  unknown.input("x", {3});
  unknown.output("y", {3});
  unknown.node("NoSuchOperator", {"x"}, {}, "y");
  EXPECT_EQ(run(written(unknown), raw({1, 2, 3}), {}).error().reason(), Reason::model_unusable);
}

TEST_F(Onnx, refuses_a_run_that_wants_100_gb_and_goes_on_after_it) {
  const auto refused = run(greedy_model(25'000'000'000), raw({1}), {.memory_mib = 512});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().reason(), Reason::model_unusable) << refused.error().describe();
  EXPECT_TRUE(run(affine_model(), raw({1, 2, 3}), {}).has_value());
}

TEST_F(Onnx, stops_when_it_is_told_to) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(run(affine_model(), raw({1, 2, 3}), {}, stop.get_token()).error().reason(), Reason::cancelled);
}

TEST_F(Onnx, works_in_the_sandbox) {
  if (engine::built_with_sanitizer) GTEST_SKIP() << "a sanitizer needs what the sandbox forbids";
  const MemoryFile model(affine_model()), x(raw({1, 2, 3})), y;
  // The runtime of a parent's threads does not live on in a child: each has its own process, as in the server.
  const pid_t child = ::fork();
  if (child == 0) {
    engine_->before_sandbox();
    engine::enter_sandbox();
    Quiet quiet;
    const auto output = engine_->run(
        {write_request({}), {{"model", model.fd()}, {"input.x", x.fd()}}, {{"output.y", y.fd()}}, {}}, quiet, {});
    ::_exit(output ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(floats(y.content()), (std::vector<float>{3, 5, 7}));
}

TEST(OnnxRequest, comes_back_as_it_was_written) {
  const Request request{.action = Request::Action::describe,
                        .sha256 = std::string(64, 'a'),
                        .threads = 3,
                        .memory_mib = 100,
                        .batch = 7,
                        .shapes = {{"x", {1, 2}}}};
  const auto again = parse_request(write_request(request)).value();
  EXPECT_EQ(write_request(again), write_request(request));
  for (const char* wrong : {"", "[]", R"({"action":"x"})", R"({"sha256":"a"})", R"({"threads":-1})",
                            R"({"memory_mib":1})", R"({"shapes":{"x":[-1]}})", R"({"batch":"1"})"})
    EXPECT_EQ(parse_request(wrong).error().reason(), Reason::invalid_request) << wrong;
}

}  // namespace
}  // namespace toll::engines::onnx
