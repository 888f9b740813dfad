// Bodies of calls, in and out.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "surfaces/inference/infer_body.h"
#include "surfaces/inference/numbers.h"

namespace toll::open_inference {
namespace {

template <class T>
std::vector<T> elements(const std::string& bytes) {
  std::vector<T> out(bytes.size() / sizeof(T));
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

std::string call(const std::string& datatype, const std::string& data, const std::string& shape = "[1]") {
  return R"({"inputs":[{"name":"x","shape":)" + shape + R"(,"datatype":")" + datatype + R"(","data":)" + data + "}]}";
}

template <class T>
std::vector<T> read_as(const std::string& datatype, const std::string& data) {
  const auto request = read_infer(call(datatype, data), std::nullopt);
  if (!request) ADD_FAILURE() << request.error().describe();
  return request ? elements<T>(request->inputs.front().bytes) : std::vector<T>();
}

// The first problem, as "path message" without the path's numbers.
std::string refused(const std::string& body, std::optional<std::uint64_t> json_bytes = {}) {
  const auto request = read_infer(body, json_bytes);
  if (request) return "taken";
  if (request.error().problems().empty()) return std::string(request.error().code());
  return request.error().problems().front().message;
}

TEST(InferBody, takes_flat_and_nested_lists_alike) {
  EXPECT_EQ(read_as<float>("FP32", "[[1,2.5],[-3e2,4]]"), (std::vector<float>{1, 2.5, -300, 4}));
  EXPECT_EQ(read_as<float>("FP32", "[1,2.5,-3e2,4]"), (std::vector<float>{1, 2.5, -300, 4}));
}

TEST(InferBody, keeps_every_bit_of_whole_and_real_numbers) {
  EXPECT_EQ(read_as<std::int64_t>("INT64", "[-9223372036854775808,9223372036854775807,9007199254740993]"),
            (std::vector<std::int64_t>{INT64_MIN, INT64_MAX, 9007199254740993}));
  EXPECT_EQ(read_as<std::uint64_t>("UINT64", "[18446744073709551615,0]"), (std::vector<std::uint64_t>{UINT64_MAX, 0}));
  EXPECT_EQ(read_as<double>("FP64", "[0.1,1.7976931348623157e308,5e-324]"),
            (std::vector<double>{0.1, std::numeric_limits<double>::max(), 5e-324}));
  EXPECT_EQ(read_as<double>("FP64", "[18446744073709551615,-1]"), (std::vector<double>{18446744073709551615.0, -1}));
  EXPECT_EQ(read_as<std::int8_t>("INT8", "[1.0,-128]"), (std::vector<std::int8_t>{1, -128}));
}

TEST(InferBody, keeps_every_bit_of_whole_numbers_beside_real_ones) {
  EXPECT_EQ(read_as<std::int64_t>("INT64", "[9007199254740993,1.0,-9007199254740993,2e0,9223372036854775807]"),
            (std::vector<std::int64_t>{9007199254740993, 1, -9007199254740993, 2, INT64_MAX}));
  EXPECT_EQ(read_as<std::uint64_t>("UINT64", "[1.0,18446744073709551615,9007199254740993]"),
            (std::vector<std::uint64_t>{1, UINT64_MAX, 9007199254740993}));
  EXPECT_EQ(refused(call("INT64", "[1.0,18446744073709551615]")), "[1] is no number that the datatype holds");
  EXPECT_EQ(refused(call("UINT64", "[18446744073709551615,-9007199254740993]")),
            "[1] is no number that the datatype holds");
  EXPECT_EQ(read_as<double>("FP64", "[9007199254740993,0.5]"), (std::vector<double>{9007199254740992, 0.5}));
}

TEST(InferBody, refuses_numbers_that_the_datatype_does_not_hold) {
  for (const auto* data : {"[128]", "[-129]", "[0.5]", "[1e300]", "[18446744073709551615]"})
    EXPECT_EQ(refused(call("INT8", data)), "[0] is no number that the datatype holds") << data;
  EXPECT_EQ(refused(call("UINT64", "[0,-1]")), "[1] is no number that the datatype holds");
  EXPECT_EQ(refused(call("UINT64", "[18446744073709551616]")), "[0] is no number that the datatype holds");
  EXPECT_EQ(refused(call("FP32", "[true]")), "holds true or false, which is of BOOL alone");
  EXPECT_EQ(refused(call("BOOL", "[true,0,2]")), "[2] is neither true nor false");
  EXPECT_EQ(refused(call("FP32", R"(["1"])")), "holds a text, which no numeric tensor does");
  EXPECT_EQ(refused(call("FP32", "[null]")), "holds null");
  EXPECT_EQ(refused(call("FP32", "[{}]")), "malformed_json");
  EXPECT_EQ(refused(call("FP32", "[NaN]")), "malformed_json");
}

TEST(InferBody, tells_every_problem_at_once) {
  const auto request = read_infer(
      R"({"id":7,"inputs":[{"shape":[-1],"datatype":"FP31","data":[1]},3],"outputs":[{"parameters":{"classification":2}}]})",
      std::nullopt);
  ASSERT_FALSE(request);
  std::vector<std::string> said;
  for (const auto& one : request.error().problems()) said.push_back(one.message);
  EXPECT_EQ(said.size(), 7u) << "id, name, shape, datatype, an input that is none, classification, an output's name";
}

TEST(InferBody, says_what_it_does_not_do) {
  EXPECT_EQ(refused(call("BYTES", "[1]")), "BYTES is not supported");
  EXPECT_EQ(refused(R"({"inputs":[],"parameters":{"sequence_id":1}})"), "sequences are not supported");
  EXPECT_EQ(
      refused(R"({"inputs":[{"name":"x","shape":[1],"datatype":"FP32","parameters":{"shared_memory_region":"r"}}]})"),
      "shared memory is not supported");
}

std::string binary_call(std::size_t first, std::size_t second) {
  return R"({"inputs":[{"name":"a","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":)" +
         std::to_string(first) + R"(}},{"name":"b","shape":[2],"datatype":"BOOL","parameters":{"binary_data_size":)" +
         std::to_string(second) + "}}]}";
}

TEST(InferBody, takes_bytes_behind_the_json_in_the_order_of_the_inputs) {
  const auto json = binary_call(4, 2);
  const float value = std::numeric_limits<float>::quiet_NaN();
  std::string bytes(4, '\0');
  std::memcpy(bytes.data(), &value, 4);
  bytes += std::string("\1\0", 2);
  const auto request = read_infer(json + bytes, json.size());
  ASSERT_TRUE(request);
  EXPECT_TRUE(std::isnan(elements<float>(request->inputs[0].bytes)[0]));
  EXPECT_EQ(request->inputs[1].bytes, std::string("\1\0", 2));
}

TEST(InferBody, refuses_bytes_that_do_not_add_up) {
  const auto json = binary_call(4, 2);
  EXPECT_EQ(refused(json + "12345", json.size()), "binary_data_size must be at most the 1 bytes that follow");
  EXPECT_EQ(refused(json + std::string("1234\1\1x", 7), json.size()),
            "has 1 bytes behind its JSON that no input takes");
  EXPECT_EQ(refused(json + std::string("1234\1\2", 6), json.size()), "must have bytes 0 or 1, being BOOL");
  EXPECT_EQ(refused(binary_call(3, 2) + std::string("123\1\1", 5), json.size()),
            "binary_data_size must be of whole elements");
  EXPECT_EQ(refused(json, json.size() + 1), "is more than the body has");
}

TEST(InferBody, keeps_a_flood_beside_the_data_out_of_memory) {
  std::string flood = R"({"inputs":[],"parameters":{"x":[0)";
  for (int i = 0; i < 200'000; ++i) flood += ",0";
  EXPECT_EQ(refused(flood + "]}}"), "malformed_json");
  EXPECT_EQ(refused(std::string(100'000, '[')), "malformed_json");
  EXPECT_EQ(refused(call("FP32", std::string(100, '[') + std::string(100, ']'))), "malformed_json");
  EXPECT_EQ(refused(R"({"inputs":[],"inputs":[]})"), "malformed_json");
}

inference::Answer answer() {
  inference::Tensor y{"y", ElementType::float32, {3}, {}};
  for (float value : {0.1f, std::numeric_limits<float>::infinity(), std::nanf("")})
    y.bytes.append(reinterpret_cast<const char*>(&value), 4);
  inference::Answer out;
  out.target.repo_id = "acme/tiny";
  out.target.file.rfilename = "model.onnx";
  out.outputs = {y, {"n", ElementType::uint8, {2}, std::string("\xff\0", 2)}};
  return out;
}

TEST(InferBody, writes_what_json_has_no_number_for_as_null_and_says_so) {
  const auto written = write_infer(answer(), "", {false, false});
  EXPECT_FALSE(written.json_bytes);
  EXPECT_NE(written.body.find(R"("data":[0.1,null,null],"parameters":{"non_finite":2}})"), std::string::npos);
  EXPECT_NE(written.body.find(R"("data":[255,0]})"), std::string::npos);
}

TEST(InferBody, writes_binary_outputs_behind_the_json) {
  const auto written = write_infer(answer(), "seven", {true, false});
  ASSERT_TRUE(written.json_bytes);
  EXPECT_EQ(written.body.substr(*written.json_bytes), answer().outputs[0].bytes);
  const auto json = written.body.substr(0, *written.json_bytes);
  EXPECT_NE(json.find(R"("parameters":{"binary_data_size":12}})"), std::string::npos);
  EXPECT_NE(json.find(R"("id":"seven")"), std::string::npos);
}

TEST(HalfPrecision, keeps_every_value_that_it_has) {
  for (std::uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const float value = from_half(static_cast<std::uint16_t>(bits));
    if (!std::isnan(value)) {
      ASSERT_EQ(to_half(value), bits);
    } else {
      ASSERT_TRUE(std::isnan(from_half(to_half(value))));
    }
    const float coarse = from_bfloat(static_cast<std::uint16_t>(bits));
    if (!std::isnan(coarse)) {
      ASSERT_EQ(to_bfloat(coarse), bits);
    }
  }
}

TEST(HalfPrecision, rounds_to_the_nearest_and_to_even_between_two) {
  EXPECT_EQ(to_half(1.0f + 1.0f / 2048), to_half(1.0f));
  EXPECT_EQ(to_half(1.0f + 3.0f / 2048), to_half(1.0f) + 2);
  EXPECT_EQ(to_half(65519.0f), 0x7bff);
  EXPECT_EQ(to_half(65520.0f), 0x7c00);
  EXPECT_EQ(to_half(std::ldexp(1.0f, -25)), 0);
  EXPECT_EQ(to_half(std::ldexp(1.5f, -25)), 1);
}

}  // namespace
}  // namespace toll::open_inference
