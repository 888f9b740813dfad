#include "engines/htdemucs/network.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <limits>

#include "engines/htdemucs/tests/support.h"
#include "engines/onnx/model_check.h"

namespace toll::engines::htdemucs {
namespace {
using namespace testing;

std::string refusal_of(const Checkpoint& checkpoint) {
  MemoryFile file;
  auto written = write_network(checkpoint, {}, file.fd());
  return written ? "nothing refused" : std::string(written.error().argument("why"));
}

TEST(Network, is_an_onnx_file) {
  const RandomCheckpoint random(tiny());
  MemoryFile file;
  ASSERT_TRUE(write_network(random.checkpoint, {}, file.fd()).has_value());
  const auto content = file.content();
  EXPECT_TRUE(onnx::check_model(bytes(content)).has_value());
}

TEST(Network, wants_every_weight_in_its_shape_and_no_other) {
  RandomCheckpoint random(tiny());
  auto checkpoint = random.checkpoint;
  EXPECT_EQ(refusal_of(checkpoint), "nothing refused");
  checkpoint.state["decoder.9.conv.weight"] = checkpoint.state.begin()->second;
  EXPECT_EQ(refusal_of(checkpoint), "the weights of decoder.9.conv.weight belong to no layer");
  checkpoint = random.checkpoint;
  checkpoint.state.erase("encoder.0.conv.bias");
  EXPECT_EQ(refusal_of(checkpoint), "the weights of encoder.0.conv.bias are missing");
  checkpoint = random.checkpoint;
  checkpoint.state["encoder.0.conv.bias"].shape = {2, 2};
  EXPECT_EQ(refusal_of(checkpoint), "the weights of encoder.0.conv.bias have another shape");
}

TEST(Network, of_weights_that_are_no_numbers_is_not_written) {
  RandomCheckpoint random(tiny());
  random.values("tdecoder.1.conv_tr.weight")[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(refusal_of(random.checkpoint), "the weights of tdecoder.1.conv_tr.weight are not all numbers");
}

TEST(Hyperparameters, of_other_architectures_are_refused) {
  const auto refused = [](const char* kwargs) {
    return !parse_hyperparameters({}, boost::json::parse(kwargs).as_object()).has_value();
  };
  EXPECT_FALSE(refused(R"({"sources":["a","b"]})"));
  for (const char* kwargs :
       {"{}", R"({"sources":"a"})", R"({"sources":[]})", R"({"sources":["a","a"]})", R"({"sources":["../a"]})",
        R"({"sources":["a"],"t_emb":"cape"})", R"({"sources":["a"],"cac":false})",
        R"({"sources":["a"],"multi_freqs":[0.5]})", R"({"sources":["a"],"depth":6})",
        R"({"sources":["a"],"channels":1000000})", R"({"sources":["a"],"nfft":4095})",
        R"({"sources":["a"],"segment":-1})", R"({"sources":["a"],"segment":1e300})", R"({"sources":["a"],"t_heads":7})",
        R"({"sources":["a"],"norm_starts":1})", R"({"sources":["a"],"audio_channels":1})",
        R"({"sources":["a"],"samplerate":8000})", R"({"sources":["a"],"t_sparse_self_attn":true})",
        R"({"sources":["a"],"use_train_segment":false})"})
    EXPECT_TRUE(refused(kwargs)) << kwargs;
}

}  // namespace
}  // namespace toll::engines::htdemucs
