#include "web/assets.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <set>
#include <string>

namespace toll::web {
namespace {

// The length of the content, or -1 when the bytes are no gzip file.
long unpacked_length(std::string_view gzip) {
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return -1;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzip.data()));
  stream.avail_in = static_cast<uInt>(gzip.size());
  std::string out(1 << 16, '\0');
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    status = inflate(&stream, Z_NO_FLUSH);
  }
  long length = status == Z_STREAM_END && stream.avail_in == 0 ? static_cast<long>(stream.total_out) : -1;
  inflateEnd(&stream);
  return length;
}

TEST(Assets, hold_whole_gzip_files_under_names_and_tags_of_their_own) {
  std::set<std::string_view> paths, tags;
  ASSERT_EQ(assets().size(), static_cast<std::size_t>(TOLL_WEB_ASSETS));
  for (const auto& asset : assets()) {
    EXPECT_TRUE(paths.insert(asset.path).second) << asset.path;
    EXPECT_TRUE(tags.insert(asset.etag).second) << asset.path;
    EXPECT_GT(unpacked_length(asset.gzip_bytes), 100) << asset.path;
    EXPECT_EQ(find_asset(asset.path), &asset);
  }
}

TEST(Assets, are_found_by_their_exact_name_only) {
  EXPECT_EQ(find_asset(""), nullptr);
  EXPECT_EQ(find_asset("../swagger-ui.css"), nullptr);
  if (TOLL_WEB_ASSETS == 0) GTEST_SKIP() << "built without web/node_modules";
  ASSERT_NE(find_asset("swagger-ui.css"), nullptr);
  EXPECT_EQ(find_asset("swagger-ui.css")->content_type, "text/css; charset=utf-8");
}

}  // namespace
}  // namespace toll::web
