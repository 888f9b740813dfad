#include "engines/onnx/model_check.h"

#include <gtest/gtest.h>

#include "engines/onnx/tests/support.h"

namespace toll::engines::onnx {
namespace {
using namespace testing;

TEST(ModelCheck, lets_through_what_the_writer_writes) {
  EXPECT_TRUE(check_model(bytes(affine_model())).has_value());
}

TEST(ModelCheck, refuses_a_file_that_is_cut_short_anywhere) {
  const auto model = affine_model();
  for (std::size_t size = 0; size < model.size(); ++size)
    EXPECT_FALSE(check_model(bytes(model).first(size)).has_value()) << size;
}

TEST(ModelCheck, refuses_what_is_no_model) {
  EXPECT_FALSE(check_model(bytes("a text")).has_value());
  EXPECT_FALSE(check_model(bytes(std::string(1000, '\xff'))).has_value());
  EXPECT_FALSE(check_model(bytes(std::string(1000, '\0'))).has_value());
}

// A tensor in a graph in a model, by hand: `head` is its message.
std::string model_with_tensor(const std::string& tensor) {
  const auto field = [](int number, const std::string& content) {
    std::string out(1, static_cast<char>(number << 3 | 2));
    out += static_cast<char>(content.size());
    return out + content;
  };
  return field(8, std::string("\x10\x14", 2)) + field(7, field(5, tensor));
}

TEST(ModelCheck, refuses_a_tensor_of_100_gb_without_its_bytes) {
  // dims 25,000,000,000; float32; raw_data of four bytes, or of none
  const std::string dims("\x08\x80\xf4\xec\x91\x5d", 6), type("\x10\x01", 2);
  EXPECT_FALSE(check_model(bytes(model_with_tensor(dims + type + std::string("\x4a\x04....", 6)))).has_value());
  EXPECT_FALSE(check_model(bytes(model_with_tensor(dims + type))).has_value());
  EXPECT_TRUE(check_model(bytes(model_with_tensor(std::string("\x08\x01", 2) + type + std::string("\x4a\x04....", 6))))
                  .has_value());
}

TEST(ModelCheck, refuses_weights_in_other_files) {
  const std::string scalar("\x08\x01\x10\x01", 4);
  EXPECT_FALSE(check_model(bytes(model_with_tensor(scalar + std::string("\x70\x01", 2)))).has_value());
}

TEST(ModelCheck, reads_any_bytes_without_harm) {
  auto model = affine_model();
  for (std::size_t i = 0; i < model.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      auto broken = model;
      broken[i] = static_cast<char>(broken[i] ^ (1 << bit));
      (void)check_model(bytes(broken)).has_value();
    }
}

}  // namespace
}  // namespace toll::engines::onnx
