#include "engines/spleeter/network.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <limits>

#include "engines/onnx/model_check.h"
#include "engines/onnx/runtime.h"
#include "engines/spleeter/model.h"
#include "engines/spleeter/tests/support.h"

namespace toll::engines::spleeter {
namespace {
using namespace testing;

std::string refusal_of(const Checkpoint& checkpoint) {
  MemoryFile file;
  auto written = write_network(checkpoint, {}, file.fd());
  return written ? "nothing refused" : std::string(written.error().argument("why"));
}

TEST(Network, is_an_onnx_file) {
  const RandomCheckpoint random;
  MemoryFile file;
  ASSERT_TRUE(write_network(random.checkpoint, {}, file.fd()).has_value());
  const auto content = file.content();
  EXPECT_TRUE(onnx::check_model(bytes(content)).has_value());
}

TEST(Network, wants_every_variable_in_its_shape_and_no_other) {
  const RandomCheckpoint random;
  auto checkpoint = random.checkpoint;
  EXPECT_EQ(refusal_of(checkpoint), "nothing refused");
  checkpoint["dense/kernel"] = checkpoint.begin()->second;
  EXPECT_EQ(refusal_of(checkpoint), "the weights of dense/kernel belong to no layer");
  checkpoint = random.checkpoint;
  checkpoint.erase("batch_normalization_23/gamma");
  EXPECT_EQ(refusal_of(checkpoint), "the weights of batch_normalization_23/gamma are missing");
  checkpoint = random.checkpoint;
  checkpoint["conv2d_7/bias"].shape = {1, 2};
  EXPECT_EQ(refusal_of(checkpoint), "the weights of conv2d_7/bias have another shape");
}

// Biases of a few kilobytes promise kernels of gigabytes; nothing of that size is made for them.
TEST(Network, whose_weights_are_promised_only_is_refused_before_there_is_room_made_for_them) {
  const RandomCheckpoint random;
  Checkpoint promises;
  for (const auto& [name, tensor] : random.checkpoint) {
    if (!name.ends_with("/bias")) continue;
    promises.emplace(name, tensor);
    if (!name.starts_with("conv2d_transpose")) promises.at(name).shape = {4096};
  }
  EXPECT_EQ(refusal_of(promises), "the weights of conv2d/kernel are missing");
  struct rusage used {};
  ASSERT_EQ(::getrusage(RUSAGE_SELF, &used), 0);
  EXPECT_LT(used.ru_maxrss, 4 << 20) << "KiB";
}

TEST(Network, of_weights_that_are_no_numbers_is_not_written) {
  RandomCheckpoint random;
  random.values("conv2d_transpose_11/kernel")[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(refusal_of(random.checkpoint), "the weights of conv2d_transpose_11/kernel are not all numbers");
}

TEST(Network, of_another_number_of_sources_is_refused_by_it) {
  const RandomCheckpoint random;
  Checkpoint one;
  for (const auto& [name, tensor] : random.checkpoint)
    if (!name.starts_with("conv2d_transpose_6")) one.emplace(name, tensor);
  EXPECT_NE(refusal_of(one).find("of 1 sources"), std::string::npos);
  EXPECT_NE(refusal_of({}).find("no checkpoint of Spleeter"), std::string::npos);
}

TEST(Shape, that_was_not_written_here_is_refused) {
  EXPECT_EQ(read_shape(write_shape({})).value().bins, 1024);
  for (const char* text :
       {"", "[]", "{}", R"({"sources":["a","b"],"frames":512,"bins":1000})",
        R"({"sources":["a"],"frames":512,"bins":1024})", R"({"sources":["a","b"],"frames":-64,"bins":1024})"})
    EXPECT_FALSE(read_shape(text)) << text;
}

class NetworkRun : public ::testing::Test {
 protected:
  void SetUp() override {
    if (auto loaded = onnx::load_runtime(); !loaded) GTEST_SKIP() << loaded.error().describe();
  }
};

// With no weights but the last layer's bias, a source's part is the same everywhere. What the rest of the network makes
// is the business of tests/parity.
TEST_F(NetworkRun, gives_the_sigmoid_of_the_last_layer_of_each_source) {
  RandomCheckpoint random;
  for (const char* kernel : {"conv2d_6/kernel", "conv2d_13/kernel"}) std::ranges::fill(random.values(kernel), 0.0f);
  std::ranges::copy(std::vector{1.0f, -1.0f}, random.values("conv2d_6/bias").begin());
  std::ranges::copy(std::vector{0.0f, 2.0f}, random.values("conv2d_13/bias").begin());
  MemoryFile file;
  write_network(random.checkpoint, {.shape = {}, .source_digest = "abc"}, file.fd()).value();
  const auto mapped = onnx::MappedFile::open(file.fd()).value();
  auto model = Model::open(mapped.bytes(), {}).value();
  EXPECT_EQ(model.source_digest(), "abc");
  const std::size_t plane = 512 * 1024;
  const auto parts = model.parts(std::vector<float>(2 * plane, 0.5f), {}).value();
  ASSERT_EQ(parts.size(), 2u);
  const auto sigmoid = [](float x) { return 1 / (1 + std::exp(-x)); };
  for (std::size_t at : {std::size_t{0}, plane / 2 + 77, plane - 1}) {
    EXPECT_NEAR(parts[0].floats()[at], sigmoid(1), 1e-6);
    EXPECT_NEAR(parts[0].floats()[plane + at], sigmoid(-1), 1e-6);
    EXPECT_NEAR(parts[1].floats()[at], sigmoid(0), 1e-6);
    EXPECT_NEAR(parts[1].floats()[plane + at], sigmoid(2), 1e-6);
  }
}

TEST_F(NetworkRun, opens_only_what_was_imported) {
  const auto other = onnx::testing::affine_model();
  EXPECT_EQ(Model::open(bytes(other), {}).error().reason(), Reason::model_unusable);
}

}  // namespace
}  // namespace toll::engines::spleeter
