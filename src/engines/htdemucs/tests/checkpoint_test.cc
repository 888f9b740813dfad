#include "engines/htdemucs/checkpoint.h"

#include <gtest/gtest.h>

#include <limits>

#include "engines/htdemucs/pickle.h"
#include "engines/htdemucs/tests/support.h"
#include "engines/htdemucs/zip.h"

namespace toll::engines::htdemucs {
namespace {
using namespace testing;

std::string why(const Fault& fault) {
  EXPECT_EQ(fault.reason(), Reason::model_unusable);
  return std::string(fault.argument("why"));
}
std::string refusal_of(const std::string& file) {
  auto read = read_checkpoint(bytes(file));
  return read ? "nothing refused" : why(read.error());
}
std::string refusal_of_pickle(const std::string& operations) {
  auto read = Pickle::parse(bytes(operations));
  return read ? "nothing refused" : why(read.error());
}

TEST(Checkpoint, is_read_as_it_was_saved) {
  const RandomCheckpoint saved(tiny());
  const auto file = torch_file(saved.checkpoint);
  const auto read = read_checkpoint(bytes(file));
  ASSERT_TRUE(read.has_value()) << read.error().describe();
  EXPECT_EQ(write_hyperparameters(read->hyper), write_hyperparameters(saved.checkpoint.hyper));
  ASSERT_EQ(read->state.size(), saved.checkpoint.state.size());
  for (const auto& [name, tensor] : saved.checkpoint.state)
    EXPECT_EQ(to_floats(name, read->state.at(name)).value(), to_floats(name, tensor).value()) << name;
}

TEST(Checkpoint, is_refused_when_it_is_cut_short_anywhere) {
  const RandomCheckpoint saved(tiny());
  const auto file = torch_file(saved.checkpoint);
  for (std::size_t size = 0; size < file.size(); size += 1 + size / 200)
    EXPECT_FALSE(read_checkpoint(bytes(file).first(size)).has_value()) << size;
}

TEST(Checkpoint, is_refused_when_it_is_another_file) {
  EXPECT_EQ(refusal_of("RIFF....WAVEfmt and so on"), "this is not a checkpoint of HTDemucs");
  EXPECT_EQ(refusal_of(zip({{"a.txt", "renamed to .th"}})), "this is not a checkpoint of HTDemucs");
}

TEST(Checkpoint, of_another_architecture_is_refused_by_name) {
  const RandomCheckpoint saved(tiny());
  EXPECT_EQ(refusal_of(torch_file(saved.checkpoint, "demucs.hdemucs")),
            "the checkpoint is of demucs.hdemucs.HTDemucs, not of HTDemucs");
}

TEST(Checkpoint, of_another_kind_of_file_is_refused_with_what_it_is) {
  EXPECT_EQ(refusal_of(zip({{"m/data.pkl", pickled("}(" + text("encoder.0.conv.weight") + "Nu")}})),
            "the file holds no description of its network, as the authors' own files do");
  EXPECT_NE(refusal_of("\x1f\x8b" + std::string(100, 'x')).find("gzip"), std::string::npos);
  EXPECT_NE(refusal_of("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46" + std::string(100, 'x')).find("older Demucs"),
            std::string::npos);
}

TEST(Checkpoint, that_says_a_list_once_and_means_it_a_million_times_is_refused) {
  // Five lists, each of a thousand times the one before: 10^15 values in ten kilobytes.
  std::string bomb = "](]q\x01";
  for (char level = 1; level < 6; ++level) {
    bomb += std::string("](");
    for (int i = 0; i < 1000; ++i) bomb += std::string("h") + level;
    bomb += std::string("eq") + static_cast<char>(level + 1);
  }
  const std::string package = "}(" + text("klass") + global("demucs.htdemucs", "HTDemucs") + text("args") + ")" +
                              text("kwargs") + "}(" + text("sources") + bomb + "eu" + text("state") + "}u";
  EXPECT_EQ(refusal_of(zip({{"m/data.pkl", pickled(package)}})), "the network's description is too large");
}

TEST(Checkpoint, that_says_a_long_text_once_and_means_it_many_times_is_refused) {
  std::string bomb = "](X";
  const std::uint32_t length = 1 << 20;
  for (int byte = 0; byte < 4; ++byte) bomb += static_cast<char>(length >> (8 * byte));
  bomb += std::string(length, 'x') + "q\x01";
  for (int i = 0; i < 10000; ++i) bomb += "h\x01";
  const std::string package = "}(" + text("klass") + global("demucs.htdemucs", "HTDemucs") + text("args") + ")" +
                              text("kwargs") + "}(" + text("sources") + bomb + "eu" + text("state") + "}u";
  EXPECT_EQ(refusal_of(zip({{"m/data.pkl", pickled(package)}})), "the network's description is too large");
}

TEST(Checkpoint, whose_pickle_is_larger_than_any_is_refused_before_it_is_read) {
  EXPECT_EQ(refusal_of(zip({{"m/data.pkl", std::string(17 << 20, 'N')}})), "the pickle is too long");
}

TEST(Checkpoint, whose_weights_share_their_place_is_refused) {
  // A hundred tensors of a thousand numbers each, all in the one storage.
  const auto tensor = global("torch._utils", "_rebuild_tensor_v2") + "((" + text("storage") +
                      global("torch", "FloatStorage") + text("0") + text("cpu") + integer(1000) + "tQ" + integer(0) +
                      "(" + integer(1000) + "t(" + integer(1) + "t\x89" + global("collections", "OrderedDict") + ")RtR";
  std::string state = "}(";
  for (int i = 0; i < 100; ++i) state += text("w" + std::to_string(i)) + tensor;
  const std::string package = "}(" + text("klass") + global("demucs.htdemucs", "HTDemucs") + text("args") + ")" +
                              text("kwargs") + "}(" + text("sources") + "](" + text("drums") + "eu" + text("state") +
                              state + "uu";
  EXPECT_EQ(refusal_of(zip({{"m/data.pkl", pickled(package)}, {"m/data/0", std::string(4000, '\0')}})),
            "the weights claim more than the file holds");
}

TEST(Checkpoint, with_os_system_in_it_is_refused_and_nothing_runs) {
  const RandomCheckpoint saved(tiny());
  const std::string attack = text("training_args") + global("posix", "system") + "(" + text("touch /tmp/harm") + "tR";
  EXPECT_EQ(refusal_of(torch_file(saved.checkpoint, "demucs.htdemucs", attack)),
            "the pickle calls posix.system, which no checkpoint needs");
  // A class that is only named does nothing.
  const std::string named = text("training_args") + global("posix", "system");
  EXPECT_EQ(refusal_of(torch_file(saved.checkpoint, "demucs.htdemucs", named)), "nothing refused");
}

TEST(Zip, that_is_compressed_is_refused_before_anything_is_unpacked) {
  auto read = read_zip(bytes(zip({{"m/data.pkl", std::string(1000, 'x')}}, 8)));
  EXPECT_EQ(why(read.error()), "the archive is compressed, which checkpoints are not");
}

TEST(Zip, whose_entries_overlap_or_repeat_is_refused) {
  auto file = zip({{"a", "1234"}, {"b", "5678"}});
  // The second entry of the directory points to the first one's bytes.
  const auto second = file.rfind("PK\x01\x02");
  file.replace(second + 42, 4, std::string(4, '\0'));
  EXPECT_EQ(why(read_zip(bytes(file)).error()), "entries of the archive overlap");
  EXPECT_EQ(why(read_zip(bytes(zip({{"a", "1"}, {"a", "2"}}))).error()), "the archive names an entry twice");
}

TEST(Pickle, takes_only_the_operations_of_checkpoints) {
  EXPECT_EQ(refusal_of_pickle(pickled("}")), "nothing refused");
  // INST, OBJ, NEWOBJ, STACK_GLOBAL, EXT1, a persistent id as text, DICT, protocol 4
  for (const std::string operation : {"ios\nsystem\n", "o", "\x81", "\x93", "\x82\x01", "Px\n", "d"})
    EXPECT_NE(refusal_of_pickle(pickled("(" + operation)).find("which no checkpoint needs"), std::string::npos);
  EXPECT_EQ(refusal_of_pickle("\x80\x04}."), "the pickle is not of protocol 2");
}

TEST(Pickle, that_does_not_add_up_is_refused) {
  for (const std::string operations : {"",      "t",        "R",     "Q",       "b",  "a",  "s",   "u",
                                       "e",     "h\x01",    "q\x01", "\x87",    "(",  "}}", "(}0", "X\xff\xff\xff\xff",
                                       "J\x01", "\x8a\x09", "c\n",   "}K\x01s", "]}e"})
    EXPECT_NE(refusal_of_pickle(pickled(operations)), "nothing refused") << operations;
}

TEST(Pickle, may_contain_itself) {
  // A list that holds itself: its memory ends with the pickle (the leak checker looks on).
  EXPECT_EQ(refusal_of_pickle(pickled("]q\x01h\x01"
                                      "a")),
            "nothing refused");
}

TEST(Pickle, that_is_too_long_is_refused) {
  EXPECT_EQ(refusal_of_pickle(pickled(std::string(2'000'000, 'N'))), "the pickle is too long");
}

TEST(StoredTensor, outside_of_the_file_is_refused) {
  const std::vector<float> values(6);
  StoredTensor tensor{StoredTensor::Type::float32, {2, 3}, {3, 1}, std::as_bytes(std::span(values))};
  EXPECT_TRUE(lies_within_bytes(tensor));
  for (const auto& strides : {std::vector<std::int64_t>{4, 1}, {3, 2}, {-3, 1}, {1ll << 62, 1}, {3}}) {
    tensor.strides = strides;
    EXPECT_FALSE(lies_within_bytes(tensor));
  }
  // Repeating one element would make a large tensor of a small file.
  tensor.shape = {1000, 1000}, tensor.strides = {0, 0};
  EXPECT_FALSE(lies_within_bytes(tensor));
}

TEST(StoredTensor, holds_what_half_precision_says) {
  const std::vector<std::uint16_t> halves{0x0000, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x8400, 0x3555};
  const StoredTensor tensor{StoredTensor::Type::float16, {7}, {1}, std::as_bytes(std::span(halves))};
  EXPECT_EQ(to_floats("x", tensor).value(),
            (std::vector<float>{0, 1, -2, 65504, 0x1p-24f, -0x1p-14f, 0.333251953125f}));
}

TEST(StoredTensor, that_is_not_all_numbers_is_refused) {
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const std::vector<float> values{1, bad};
    const StoredTensor tensor{StoredTensor::Type::float32, {2}, {1}, std::as_bytes(std::span(values))};
    EXPECT_EQ(why(to_floats("encoder.0.conv.weight", tensor).error()),
              "the weights of encoder.0.conv.weight are not all numbers");
  }
}

TEST(Safetensors, that_claim_what_is_not_there_are_refused) {
  const auto file = [](const std::string& header, const std::string& data) {
    return little<std::uint64_t>(header.size()) + header + data;
  };
  const std::string meta =
      R"("__metadata__":{"klass":"demucs.htdemucs.HTDemucs","args":"[]","kwargs":"{\"sources\":[\"a\"]}"})";
  const std::string good = R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)" + meta + "}";
  EXPECT_EQ(refusal_of(file(good, std::string(8, '\0'))), "nothing refused");
  EXPECT_EQ(refusal_of(file(good, std::string(7, '\0'))), "the weights are not in the file");
  for (const char* shape : {"[3]", "[-2]", "[4611686018427387904,4]", "2", "[\"2\"]"})
    EXPECT_NE(refusal_of(file(
                  R"({"x":{"dtype":"F32","shape":)" + std::string(shape) + R"(,"data_offsets":[0,8]},)" + meta + "}",
                  std::string(8, '\0'))),
              "nothing refused")
        << shape;
  EXPECT_NE(refusal_of(little<std::uint64_t>(UINT64_MAX) + "{..............."), "nothing refused");
}

TEST(Safetensors, whose_header_says_two_things_are_refused) {
  const auto file = [](const std::string& header, std::size_t size) {
    return little<std::uint64_t>(header.size()) + header + std::string(size, '\0');
  };
  const std::string meta =
      R"("__metadata__":{"klass":"demucs.htdemucs.HTDemucs","args":"[]","kwargs":"{\"sources\":[\"a\"]}"})";
  const auto tensor = [](const char* name, int begin, int end) {
    return "\"" + std::string(name) + R"(":{"dtype":"F32","shape":[)" + std::to_string((end - begin) / 4) +
           R"(],"data_offsets":[)" + std::to_string(begin) + "," + std::to_string(end) + "]},";
  };
  EXPECT_EQ(refusal_of(file("{" + tensor("x", 0, 8) + tensor("y", 8, 16) + meta + "}", 16)), "nothing refused");
  const std::string apart = "the weights overlap in the file, or leave gaps";
  EXPECT_EQ(refusal_of(file("{" + tensor("x", 0, 8) + tensor("y", 4, 12) + meta + "}", 12)), apart);
  EXPECT_EQ(refusal_of(file("{" + tensor("x", 0, 8) + tensor("y", 0, 8) + meta + "}", 8)), apart);
  EXPECT_EQ(refusal_of(file("{" + tensor("x", 0, 8) + tensor("y", 12, 16) + meta + "}", 16)), apart);
  EXPECT_EQ(refusal_of(file("{" + tensor("x", 0, 8) + meta + "}", 9)), apart) << "bytes that nobody looks at";
  EXPECT_EQ(refusal_of(file("{" + tensor("x", 0, 8) + tensor("x", 8, 16) + meta + "}", 16)),
            "the header of the safetensors file is malformed")
      << "one name, two tensors";
}

TEST(Bag, is_read_as_it_is_published) {
  const auto bag =
      read_bag("models: ['f7e0c4bc', 'd12395a8']\nweights: [\n  [1., 0.],\n  [0., 1.],\n]\nsegment: 44\n").value();
  EXPECT_EQ(bag.models, (std::vector<std::string>{"f7e0c4bc", "d12395a8"}));
  EXPECT_EQ(bag.weights, (std::vector<std::vector<double>>{{1, 0}, {0, 1}}));
  EXPECT_EQ(bag.segment, 44);
  const auto plain = read_bag("models: ['955717e8']").value();
  EXPECT_EQ(plain.models.size(), 1u);
  EXPECT_FALSE(plain.segment || read_bag("models: ['955717e8']\nsegment: null").value().segment);
}

TEST(Bag, makes_the_segments_of_its_models_shorter_but_not_longer) {
  Hyperparameters hyper;
  ASSERT_TRUE(shorten(hyper, 44).has_value());
  EXPECT_EQ(hyper.segment_frames, 441'000);
  ASSERT_TRUE(shorten(hyper, 7.8).has_value());
  EXPECT_EQ(hyper.segment_frames, 343'980);
  ASSERT_TRUE(shorten(hyper, 1.00003).has_value());
  EXPECT_EQ(hyper.segment_frames, 44'101);
  EXPECT_EQ(shorten(hyper, 0.1).error().reason(), Reason::model_unusable);
}

TEST(Bag, that_says_anything_else_is_refused) {
  for (const std::string yaml :
       {"", "models: []", "models: ['../../etc/passwd']", "models: [[a]]", "models: [a, b]\nweights: [[1.]]",
        "weights: [[1]]", "models: [a]\nweights: [[nan]]", "models: [a]\nrun: rm", "models: [a]\nsegment: -1",
        "a: &a [x, x]\nb: &b [*a, *a]\nmodels: [*b]", "models: &a [a, b]", "models: [a",
        "models:\n  - !!python/object x"})
    EXPECT_FALSE(read_bag(yaml).has_value()) << yaml;
}

}  // namespace
}  // namespace toll::engines::htdemucs
