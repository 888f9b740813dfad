// The S3 store against a real server, and what only it promises.
#include "blob/s3_store.h"

#include "blob/s3/client.h"
#include "blob/tests/s3_server.h"
#include "blob/tests/store_suite.h"

namespace toll::blob {
namespace {

std::unique_ptr<Store> fresh_store() {
  if (testing::S3Server::shared().missing()) return nullptr;
  return open_s3_store(testing::S3Server::shared().fresh_bucket());
}

INSTANTIATE_TEST_SUITE_P(S3, StoreSuite,
                         ::testing::Values(StoreKind{.name = "s3", .make = fresh_store, .keeps_open_blobs = false}));

std::string whole(const Reader& reader) {
  std::string out;
  std::string piece(100'000, '?');
  while (const auto got = reader.read_at(out.size(), std::as_writable_bytes(std::span(piece))))
    out += piece.substr(0, got);
  return out;
}

TEST(S3Store, sends_large_blobs_in_parts_and_reads_them_in_pieces) {
  TOLL_SKIP_WITHOUT_S3();
  const auto store = fresh_store();
  const auto bytes = noise((11 << 20) + 3);  // three parts of 5 MiB at most
  auto writer = store->create().value();
  writer->write(as_span(bytes)).value();
  auto staged = writer->finish().value();
  staged->publish().value();
  staged.reset();
  EXPECT_TRUE(whole(*store->open(sha256(bytes)).value()) == bytes);
}

TEST(S3Store, leaves_nothing_in_staging_when_all_are_done) {
  TOLL_SKIP_WITHOUT_S3();
  const auto options = testing::S3Server::shared().fresh_bucket();
  const auto store = open_s3_store(options);
  {
    auto writer = store->create().value();
    writer->write(as_span("published")).value();
    auto published = writer->finish().value();
    published->publish().value();
    auto other = store->create().value();
    other->write(as_span("dropped")).value();
    (void)other->finish().value();
  }
  const s3::Client client(options);
  const auto list = client.send({"GET", "", {{"list-type", "2"}, {"prefix", "house/staging/"}}, {}, {}}).value();
  EXPECT_TRUE(list.ok());
  EXPECT_EQ(list.body.find("<Contents>"), std::string::npos) << list.body;
}

TEST(S3Store, finds_its_blobs_again_and_shares_a_bucket_by_prefix) {
  TOLL_SKIP_WITHOUT_S3();
  auto options = testing::S3Server::shared().fresh_bucket();
  const auto first = open_s3_store(options);
  auto staged = std::move(first->create()).value();
  staged->write(as_span("mine")).value();
  staged->finish().value()->publish().value();
  EXPECT_TRUE(open_s3_store(options)->exists(sha256("mine")));
  options.prefix = "neighbour/";
  const auto neighbour = open_s3_store(options);
  EXPECT_FALSE(neighbour->exists(sha256("mine")));
  neighbour->for_each([](const Sha256&, std::uint64_t) { ADD_FAILURE() << "a neighbour's blob"; });
}

TEST(S3Store, says_at_the_start_that_its_keys_are_wrong) {
  TOLL_SKIP_WITHOUT_S3();
  auto options = testing::S3Server::shared().fresh_bucket();
  options.credentials.secret_key += "x";
  EXPECT_THROW(open_s3_store(options), std::runtime_error);
}

TEST(S3Store, says_at_the_start_that_nobody_answers) {
  S3Options options;
  options.endpoint = "http://127.0.0.1:1";
  options.credentials = {"a", "b"};
  options.attempts = 1;
  options.spool = std::filesystem::temp_directory_path() / "toll-s3-spool";
  EXPECT_THROW(open_s3_store(options), std::runtime_error);
}

// What we sign, a foreign server takes; what we alter, it does not.
TEST(S3Store, signs_urls_that_the_server_takes) {
  TOLL_SKIP_WITHOUT_S3();
  const auto options = testing::S3Server::shared().fresh_bucket();
  const auto store = open_s3_store(options);
  const auto url = sigv4::presign(options.credentials, {options.region},
                                  {.method = "PUT",
                                   .origin = options.endpoint,
                                   .path = "/" + options.bucket + "/hf/a b+\xC3\xA4.bin",
                                   .expires = 60},
                                  SystemClock().now());
  auto curl = [](const std::string& arguments) { return std::system(("curl -sf -o /dev/null " + arguments).c_str()); };
  EXPECT_EQ(curl("-X PUT --data-binary hello '" + url + "'"), 0);
  EXPECT_NE(curl("-X PUT --data-binary hello '" + url + "0'"), 0);
}

}  // namespace
}  // namespace toll::blob
