#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "workflows/catalogue.h"
#include "workflows/steps/absent.h"
#include "workflows/steps/basic.h"
#include "workflows/steps/notify.h"
#include "workflows/steps/tensors.h"
#include "workflows/steps/types.h"

namespace toll::workflows::steps {
namespace {

using inference::ElementType;

json::Value parsed(std::string_view text) {
  return json::parse(text).value();
}

TEST(Tensors, lists_as_deep_as_the_axes_come_back_as_they_went_in) {
  for (const auto type : {ElementType::float32, ElementType::float64, ElementType::float16, ElementType::bfloat16,
                          ElementType::int8, ElementType::int64, ElementType::uint16}) {
    const auto tensor = tensor_of(parsed("[[1,2,3],[4,5,6]]"), "x", type);
    ASSERT_TRUE(tensor) << tensor.error().describe();
    EXPECT_EQ(tensor->shape, (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(tensor_json(*tensor).at("data"),
              type < ElementType::int8 ? parsed("[1.0,2.0,3.0,4.0,5.0,6.0]") : parsed("[1,2,3,4,5,6]"));
  }
}

TEST(Tensors, a_shape_may_be_given_with_flat_data) {
  const auto tensor = tensor_of(parsed(R"({"shape":[2,1],"data":[1.5,-2]})"), "x", ElementType::float32);
  ASSERT_TRUE(tensor);
  EXPECT_EQ(tensor->shape, (std::vector<std::int64_t>{2, 1}));
  EXPECT_TRUE(tensor_of(parsed("[]"), "x", ElementType::float32));
  EXPECT_TRUE(tensor_of(parsed("7"), "x", ElementType::int32)->shape.empty());
}

TEST(Tensors, what_is_no_tensor_of_the_type_is_refused) {
  for (const auto* bad : {"[[1,2],[3]]", "[1,[2]]", "[\"a\"]", "{}", "[1.5]", "[300]", R"({"shape":[3],"data":[1]})",
                          R"({"shape":[-1],"data":[1]})", "[[[[[[[[[1]]]]]]]]]", "null", "[true]"})
    EXPECT_FALSE(tensor_of(parsed(bad), "x", ElementType::int8)) << bad;
}

TEST(Tensors, half_precision_is_rounded_to_nearest) {
  const auto bits = [](double value) {
    const auto tensor = tensor_of(json::Value(value), "x", ElementType::float16).value();
    return static_cast<unsigned>(static_cast<unsigned char>(tensor.bytes[0])) |
           static_cast<unsigned>(static_cast<unsigned char>(tensor.bytes[1])) << 8;
  };
  // IEEE 754-2019, binary16.
  EXPECT_EQ(bits(1), 0x3c00u);
  EXPECT_EQ(bits(-2), 0xc000u);
  EXPECT_EQ(bits(65504), 0x7bffu);
  EXPECT_EQ(bits(65520), 0x7c00u);
  EXPECT_EQ(bits(0.333251953125), 0x3555u);
  EXPECT_EQ(bits(5.960464477539063e-8), 0x0001u);
  EXPECT_EQ(bits(6.097555160522461e-5), 0x03ffu);
  EXPECT_EQ(bits(6.103515625e-5), 0x0400u);
  EXPECT_EQ(bits(2049), 0x6800u) << "ties go to even";
}

TEST(Types, bytes_say_more_than_names) {
  EXPECT_EQ(type_of("%PDF-1.7\n", "a.txt"), "application/pdf");
  EXPECT_EQ(type_of(std::string_view("RIFF\x10\0\0\0WAVEfmt ", 16), "a.txt"), "audio/wav");
  EXPECT_EQ(type_of("{\"a\":1}", "a.json"), "application/json");
  EXPECT_EQ(type_of("hello", "a"), "text/plain");
  EXPECT_EQ(type_of("a,b", "A.CSV"), "text/csv");
  EXPECT_EQ(type_of(std::string_view("\0\1\2", 3), "a.txt"), "application/octet-stream");
}

TEST(Types, patterns_take_kinds) {
  const auto patterns = parsed(R"(["audio/*","application/pdf"])");
  EXPECT_TRUE(matches_type("audio/mpeg", patterns));
  EXPECT_TRUE(matches_type("Application/PDF; x=1", patterns));
  EXPECT_FALSE(matches_type("audiox/mpeg", patterns));
  EXPECT_FALSE(matches_type("text/plain", patterns));
}

// Standard Webhooks, specification, "Signature scheme": its own example.
TEST(Notify, signs_as_standard_webhooks_does) {
  EXPECT_EQ(webhook_signature("whsec_plJ3nmyCDGBKInavdOK15jsl", "msg_loFOjxBNrRLzqYUf", "1731705121",
                              R"({"event_type":"ping","data":{"success":true}})"),
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=");
}

TEST(Catalogue, names_what_is_not_there) {
  Catalogue catalogue;
  catalogue.add(make_transform_map());
  add_absent_steps(catalogue);
  EXPECT_TRUE(catalogue.find("media.transcribe")->unavailable({}));
  EXPECT_FALSE(catalogue.find("transform.map")->unavailable({}));
}

}  // namespace
}  // namespace toll::workflows::steps
