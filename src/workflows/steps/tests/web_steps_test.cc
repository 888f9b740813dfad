#include "egress/tests/little_server.h"
#include "workflows/steps/tests/calls.h"

namespace toll::workflows::steps {
namespace {

using egress::answer;
using egress::LittleServer;

class WebSteps : public StepTest {
 protected:
  egress::Client client{egress::Guard({"127.0.0.1"})};
  egress::Client strict{egress::Guard({})};
};

TEST_F(WebSteps, list_an_item_for_each_url) {
  const auto step = make_source_http(client, detect_plainly);
  auto listed = step->list(call(*step, R"({"urls":["https://a.example/x/b%20c.pdf?k=1","https://a.example"]})"), {});
  const auto& items = std::get<Listed>(listed).items;
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].name, "b c.pdf");
  EXPECT_EQ(items[1].name, "file");
}

TEST_F(WebSteps, fetch_a_file_with_credentials) {
  LittleServer server([](const auto&) { return answer("200 OK", "hello"); });
  const auto step = make_source_http(client, detect_plainly);
  auto call = this->call(
      *step,
      R"({"url":"http://x.example/","headers":{"X-Mine":"1"},"auth":{"type":"basic","username":"ada","password":"p"}})");
  call.item.url = server.url("/a.txt");
  const auto output = succeeded(step->run(call, {}));
  EXPECT_EQ(output.value.at("text"), "hello");
  EXPECT_EQ(output.value.at("name"), "a.txt");
  EXPECT_EQ(content_of(output.files.at(0)), "hello");
  EXPECT_NE(server.requests().at(0).find("Authorization: Basic YWRhOnA=\r\n"), std::string::npos);
  EXPECT_NE(server.requests().at(0).find("X-Mine: 1\r\n"), std::string::npos);
}

TEST_F(WebSteps, say_why_a_file_did_not_come_and_whether_to_try_again) {
  LittleServer server([](const auto& request) {
    if (request.starts_with("GET /busy")) return answer("503 Busy", "", "Retry-After: 7\r\n");
    if (request.starts_with("GET /none")) return answer("404 None", "secret");
    return answer("200 OK", std::string(100, 'x'));
  });
  const auto step = make_source_http(client, detect_plainly);
  const auto run = [&](StepKind& kind, const std::string& path, std::uint64_t most) {
    auto call = this->call(kind, R"({"url":"http://x.example/"})");
    call.item.url = server.url(path);
    call.max_file_bytes = most;
    return failed_run(kind.run(call, {}));
  };
  const auto busy = run(*step, "/busy", 1000);
  EXPECT_TRUE(busy.again);
  EXPECT_EQ(busy.retry_after, std::chrono::seconds(7));
  const auto none = run(*step, "/none", 1000);
  EXPECT_EQ(none.detail, "The server answered 404.");
  EXPECT_FALSE(none.again);
  EXPECT_EQ(run(*step, "/large", 99).code, "file_too_large");
  const auto forbidden = make_source_http(strict, detect_plainly);
  EXPECT_EQ(run(*forbidden, "/x", 1000).code, "egress_forbidden");
}

TEST_F(WebSteps, send_results_with_a_key_that_tells_repeats) {
  LittleServer server([](const auto&) { return answer("201 Created", R"({"id":7})"); });
  const auto step = make_sink_http(client);
  const auto with =
      R"({"url":")" + server.url("/in") + R"(","method":"PUT","body":{"a":1},"auth":{"type":"bearer","token":"t"}})";
  EXPECT_EQ(value_text(succeeded(step->run(call(*step, with), {}))), R"({"status":201,"body":{"id":7}})");
  const auto request = server.requests().at(0);
  EXPECT_TRUE(request.starts_with("PUT /in "));
  EXPECT_TRUE(request.ends_with("\r\n\r\n{\"a\":1}"));
  EXPECT_NE(request.find("Idempotency-Key: 00000000-0000-4000-8000-000000000001:1:s\r\n"), std::string::npos);
  EXPECT_NE(request.find("Authorization: Bearer t\r\n"), std::string::npos);
}

TEST_F(WebSteps, fail_a_sink_that_was_refused) {
  LittleServer server([](const auto&) { return answer("500 No", "why"); });
  const auto step = make_sink_http(client);
  const auto fault = failed_run(step->run(call(*step, R"({"url":")" + server.url() + R"(","body":1})"), {}));
  EXPECT_EQ(fault.code, "sink_failed");
  EXPECT_TRUE(fault.again);
}

TEST_F(WebSteps, list_fetch_and_store_objects) {
  LittleServer server([](const auto& request) {
    if (request.starts_with("GET /box?list"))
      return answer("200 OK",
                    "<ListBucketResult><Contents><Key>in/</Key></Contents><Contents><Key>in/a&amp;b.txt</Key></"
                    "Contents></ListBucketResult>");
    if (request.starts_with("GET /box/in/a%26b.txt ")) return answer("200 OK", "object");
    return request.starts_with("PUT /box/out/r.json ") ? answer("200 OK")
                                                       : answer("403 No", "<Error><Code>AccessDenied</Code></Error>");
  });
  const auto bucket = R"({"endpoint":")" + server.url("") + R"(","bucket":"box","access_key":"k","secret_key":"s")";
  const auto source = make_source_s3(client, clock, detect_plainly);
  auto call = this->call(*source, bucket + R"(,"prefix":"in/"})");
  auto listed = source->list(call, {});
  const auto& items = std::get<Listed>(listed).items;
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].name, "a&b.txt");
  call.item.url = items[0].url;
  EXPECT_EQ(succeeded(source->run(call, {})).value.at("text"), "object");
  EXPECT_NE(server.requests().at(1).find("AWS4-HMAC-SHA256 Credential=k/"), std::string::npos);
  const auto sink = make_sink_s3(client, clock);
  EXPECT_EQ(
      value_text(succeeded(sink->run(this->call(*sink, bucket + R"(,"path":"out/r.json","value":{"a":1}})"), {}))),
      R"({"path":"out/r.json"})");
  EXPECT_TRUE(server.requests().back().ends_with("\r\n\r\n{\"a\":1}"));
  EXPECT_EQ(failed_run(sink->run(this->call(*sink, bucket + R"(,"path":"other","value":1})"), {})).detail,
            "The store answered 403 AccessDenied.");
}

}  // namespace
}  // namespace toll::workflows::steps
