#include "tollhouse/hub/transfer.h"

#include <gtest/gtest.h>

#include <memory>

#include "blob/s3/curl_option.h"

namespace toll::app::hub {
namespace {

TEST(HubTransfer, speaks_http_and_nothing_else) {
  for (const auto* url : {"file:///etc/hostname", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "dict://127.0.0.1/x"}) {
    Head head;
    const auto outcome = perform({}, {url, 0, {}, {}}, head, [](std::string_view) { return true; });
    EXPECT_EQ(outcome.code, CURLE_UNSUPPORTED_PROTOCOL) << url;
    EXPECT_FALSE(outcome.passing()) << url;
  }
}

TEST(HubTransfer, does_not_begin_when_a_bound_cannot_be_set) {
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  EXPECT_NO_THROW(blob::s3::set_option(curl.get(), CURLOPT_PROTOCOLS_STR, "https"));
  EXPECT_THROW(blob::s3::set_option(curl.get(), CURLOPT_PROTOCOLS_STR, "carrier-pigeon"), std::runtime_error);
}

}  // namespace
}  // namespace toll::app::hub
