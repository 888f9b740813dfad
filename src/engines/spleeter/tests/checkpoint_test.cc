#include "engines/spleeter/checkpoint.h"

#include <gtest/gtest.h>

#include <limits>

#include "engines/spleeter/table.h"
#include "engines/spleeter/tests/support.h"

namespace toll::engines::spleeter {
namespace {
using namespace testing;

std::string why(const Fault& fault) {
  EXPECT_EQ(fault.reason(), Reason::model_unusable);
  return std::string(fault.argument("why"));
}
std::string refusal_of(const Files& files) {
  const auto read = read_checkpoint(bytes(files.index), bytes(files.data));
  return read ? "nothing refused" : why(read.error());
}

TEST(Crc32c, is_that_of_rfc_3720) {
  const std::string zeros(32, '\0'), ones(32, '\xff'), digits = "123456789";
  EXPECT_EQ(crc32c(bytes(zeros)), 0x8a9136aau);
  EXPECT_EQ(crc32c(bytes(ones)), 0x62a8ab43u);
  EXPECT_EQ(crc32c(bytes(digits)), 0xe3069283u);
}

TEST(Table, gives_back_what_was_written_in_it) {
  TableWriter table;
  std::map<std::string, std::string> written;
  for (int i = 100; i < 150; ++i) {
    const auto key = "variable_" + std::to_string(i);
    table.add(key, written[key] = std::string(static_cast<std::size_t>(i), 'x'));
  }
  const auto file = table.file();
  const auto read = read_table(bytes(file)).value();
  ASSERT_EQ(read.size(), written.size());
  for (const auto& [key, value] : read)
    EXPECT_EQ(written.at(key), std::string(reinterpret_cast<const char*>(value.data()), value.size()));
}

TEST(Table, that_is_no_table_is_refused) {
  const auto refusal = [](const std::string& file) { return why(read_table(bytes(file)).error()); };
  EXPECT_NE(refusal("").find("not the index"), std::string::npos);
  EXPECT_NE(refusal(std::string(500, 'x')).find("not the index"), std::string::npos);
  TableWriter table, backwards;
  table.add("a", "1");
  EXPECT_NE(refusal(table.file(1)).find("compressed"), std::string::npos);
  auto damaged = table.file();
  damaged[3] ^= 1;
  EXPECT_NE(refusal(damaged).find("checksum"), std::string::npos);
  backwards.add("b", "1"), backwards.add("a", "2");
  EXPECT_NE(refusal(backwards.file()).find("malformed"), std::string::npos);
}

// Each block's checksum is worked out, and an empty block adds no entry that could be counted: a file of 1 MiB would
// keep a processor busy for minutes.
TEST(Table, whose_blocks_claim_more_than_its_bytes_is_refused_before_they_are_read) {
  const TableWriter empty;
  EXPECT_TRUE(read_table(bytes(empty.file(0, 2))));
  EXPECT_NE(why(read_table(bytes(empty.file(0, 1000))).error()).find("malformed"), std::string::npos);
}

TEST(Checkpoint, is_read_as_it_was_saved) {
  const RandomCheckpoint saved;
  const auto files = saved.files();
  const auto read = read_checkpoint(bytes(files.index), bytes(files.data));
  ASSERT_TRUE(read.has_value()) << read.error().describe();
  ASSERT_EQ(read->size(), saved.checkpoint.size()) << "without the step";
  for (const auto& [name, tensor] : saved.checkpoint) {
    EXPECT_EQ(read->at(name).shape, tensor.shape);
    EXPECT_EQ(to_floats(name, read->at(name)).value(), to_floats(name, tensor).value()) << name;
  }
}

TEST(Checkpoint, is_refused_when_either_file_is_cut_short_anywhere) {
  const auto files = RandomCheckpoint().files();
  for (std::size_t size = 0; size < files.index.size(); size += 1 + size / 100)
    EXPECT_NE(refusal_of({files.index.substr(0, size), files.data}), "nothing refused") << size;
  for (std::size_t size = 0; size + 8 < files.data.size(); size += 1 + size / 50)
    EXPECT_NE(refusal_of({files.index, files.data.substr(0, size)}), "nothing refused") << size;
}

TEST(Checkpoint, of_damaged_values_is_refused_by_name) {
  auto files = RandomCheckpoint().files();
  files.data[1] ^= 1;
  EXPECT_EQ(refusal_of(files), "batch_normalization/beta is damaged (its checksum differs)");
}

TEST(Checkpoint, whose_entries_lie_is_refused) {
  const RandomCheckpoint saved;
  const auto refusal = [&](auto change) {
    return refusal_of(saved.files([&](const std::string& name, Told& told) {
      if (name == "conv2d/bias") change(told);
    }));
  };
  EXPECT_EQ(refusal([](Told&) {}), "nothing refused");
  EXPECT_EQ(refusal([](Told& told) { told.type = 2; }), "conv2d/bias is not in single precision");
  EXPECT_EQ(refusal([](Told& told) { told.shard = 1; }), "conv2d/bias is stored in parts");
  EXPECT_EQ(refusal([](Told& told) {
              told.shape = {1 << 20, 1 << 20, 1 << 20};
            }),
            "conv2d/bias has another size than its shape");
  EXPECT_EQ(refusal([](Told& told) { told.shape = {-1, -2}; }), "conv2d/bias has another size than its shape");
  EXPECT_EQ(refusal([](Told& told) { told.offset = std::uint64_t{1} << 62; }),
            "conv2d/bias is not in the file, which may be cut short");
  EXPECT_EQ(refusal([](Told& told) { told.offset = 0; }), "variables of the checkpoint overlap");
}

TEST(Checkpoint, of_several_files_or_the_other_byte_order_is_refused) {
  const auto headed = [](const std::string& header) {
    TableWriter table;
    table.add("", header);
    return refusal_of({table.file(), "data"});
  };
  EXPECT_EQ(headed("\x08\x02"), "the checkpoint's values lie in several files");
  EXPECT_EQ(headed("\x08\x01\x10\x01"), "the checkpoint is big-endian");
  TableWriter without;
  without.add("a", "");
  EXPECT_EQ(refusal_of({without.file(), "data"}), "the checkpoint has no header");
}

TEST(Checkpoint, of_weights_that_are_no_numbers_gives_none) {
  RandomCheckpoint saved;
  saved.values("conv2d/bias")[1] = std::numeric_limits<float>::infinity();
  const auto files = saved.files();
  const auto read = read_checkpoint(bytes(files.index), bytes(files.data)).value();
  EXPECT_EQ(why(to_floats("conv2d/bias", read.at("conv2d/bias")).error()),
            "the weights of conv2d/bias are not all numbers");
}

}  // namespace
}  // namespace toll::engines::spleeter
