#include "engines/htdemucs/import.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/digest.h"
#include "engines/htdemucs/tests/support.h"

namespace toll::engines::htdemucs {
namespace {
using namespace testing;

TEST(Import, makes_the_same_model_of_the_same_checkpoint_and_says_what_it_made) {
  const RandomCheckpoint random(tiny());
  const auto content = torch_file(random.checkpoint);
  const MemoryFile checkpoint(content), model, again;
  const auto imported = import_checkpoint(checkpoint.fd(), model.fd()).value();
  EXPECT_EQ(imported.hyper.sources, tiny().sources);
  EXPECT_EQ(imported.source_sha256, hex(sha256(content)));
  EXPECT_EQ(imported.model_sha256, hex(sha256(model.content())));
  EXPECT_NE(model.content().find(imported.source_sha256), std::string::npos);
  EXPECT_EQ(import_checkpoint(checkpoint.fd(), again.fd()).value().model_sha256, imported.model_sha256);
}

TEST(Import, takes_the_segment_of_the_bag) {
  const RandomCheckpoint random(tiny());
  const MemoryFile checkpoint(torch_file(random.checkpoint)), model, same, short_model;
  const auto own = import_checkpoint(checkpoint.fd(), model.fd()).value();
  EXPECT_EQ(import_checkpoint(checkpoint.fd(), same.fd(), 44).value().model_sha256, own.model_sha256);
  const auto shortened = import_checkpoint(checkpoint.fd(), short_model.fd(), 0.05).value();
  EXPECT_EQ(shortened.hyper.segment_frames, 2205);
  EXPECT_EQ(shortened.source_sha256, own.source_sha256);
  EXPECT_NE(shortened.model_sha256, own.model_sha256);
}

TEST(Import, leaves_no_model_of_a_file_that_is_refused) {
  const MemoryFile checkpoint("not a checkpoint, but long enough"), model;
  EXPECT_EQ(import_checkpoint(checkpoint.fd(), model.fd()).error().reason(), Reason::model_unusable);
  EXPECT_TRUE(model.content().empty());
}

TEST(Import, of_a_small_file_that_describes_a_large_network_takes_little_memory) {
  auto hyper = tiny();
  hyper.channels = 512, hyper.growth = 2, hyper.depth = 3, hyper.nfft = 8192, hyper.t_layers = 32;
  hyper.bottom_channels = 4096;
  const RandomCheckpoint small(tiny());
  auto lying = small.checkpoint;
  lying.hyper = hyper;
  const MemoryFile model;
  rlimit all{};
  ::getrlimit(RLIMIT_DATA, &all);
  const rlimit little{std::size_t{1} << 30, all.rlim_max};
  ::setrlimit(RLIMIT_DATA, &little);
  const auto written = write_network(lying, {}, model.fd());
  ::setrlimit(RLIMIT_DATA, &all);
  EXPECT_EQ(written.error().reason(), Reason::model_unusable);
  EXPECT_TRUE(model.content().empty());
}

TEST(PublishedModels, have_names_that_promise_their_digests) {
  for (const auto& model : published_models()) {
    for (auto file : model.files) {
      EXPECT_TRUE(name_fits_digest(file, std::string(file.substr(9, 8)) + std::string(56, '0')));
      EXPECT_FALSE(name_fits_digest(file, std::string(64, '0')));
    }
    if (!model.bag.empty()) {
      const auto bag = read_bag(model.bag).value();
      ASSERT_EQ(bag.models.size(), model.files.size());
      for (std::size_t i = 0; i < bag.models.size(); ++i) EXPECT_TRUE(model.files[i].starts_with(bag.models[i]));
    }
  }
  EXPECT_TRUE(name_fits_digest("mine.th", std::string(64, '0')));
  EXPECT_TRUE(promises_digest("955717e8-8726e21a.th"));
  for (const char* name : {"mine.th", "", "955717e8-8726e21A.th", "955717e8-8726e21.th", "../955717e8-8726e21a.th",
                           ".955717e8-8726e21a.th", "a/955717e8-8726e21a.th"})
    EXPECT_FALSE(promises_digest(name)) << name;
}

}  // namespace
}  // namespace toll::engines::htdemucs
