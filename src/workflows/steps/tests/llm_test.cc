#include "workflows/steps/llm.h"

#include <boost/json/serialize.hpp>

#include "egress/tests/little_server.h"
#include "workflows/steps/tests/calls.h"

namespace toll::workflows::steps {
namespace {

using egress::answer;
using egress::LittleServer;

std::string reply(std::string_view content, int prompt_tokens = 10, int completion_tokens = 2) {
  return answer(
      "200 OK",
      boost::json::serialize(json::Object{
          {"choices",
           json::Array{json::Object{{"message", json::Object{{"role", "assistant"}, {"content", content}}}}}},
          {"usage", json::Object{{"prompt_tokens", prompt_tokens}, {"completion_tokens", completion_tokens}}}}));
}

json::Value sent(const std::string& request) {
  return json::parse(std::string_view(request).substr(request.find("\r\n\r\n") + 4)).value();
}

class LlmStep : public StepTest {
 protected:
  egress::Client client{egress::Guard({"127.0.0.1"})};
  Llm llm{client, {}};
  static std::string with(const LittleServer& server, const std::string& more) {
    return R"({"base_url":")" + server.url("/v1") + R"(","model":"m",)" + more + "}";
  }
};

constexpr auto total = R"("prompts":[{"key":"total","prompt":"The total?","type":"integer"}])";

TEST_F(LlmStep, extracts_an_object_that_fits_and_counts_tokens) {
  LittleServer server([](const auto&) { return reply(R"({"total":42})"); });
  const auto step = make_extract_llm(llm);
  const auto output = succeeded(
      step->run(call(*step, with(server, total + std::string(R"(,"api_key":"key","max_tokens":9)")), "Total: 42"), {}));
  EXPECT_EQ(value_text(output), R"({"total":42})");
  ASSERT_EQ(output.models.size(), 1u);
  EXPECT_EQ(output.models[0].model, "m");
  EXPECT_EQ(output.models[0].prompt_tokens, 10);
  const auto request = server.requests().at(0);
  EXPECT_TRUE(request.starts_with("POST /v1/chat/completions "));
  EXPECT_NE(request.find("Authorization: Bearer key\r\n"), std::string::npos);
  const auto body = sent(request);
  EXPECT_EQ(body.at("model"), "m");
  EXPECT_EQ(body.at("temperature"), 0.0);
  EXPECT_EQ(body.at("max_tokens"), 9);
  EXPECT_EQ(body.at("response_format").at("type"), "json_schema");
  EXPECT_NE(std::string(body.at("messages").at(1).at("content").as_string()).find("Total: 42"), std::string::npos);
}

TEST_F(LlmStep, sends_answers_back_that_do_not_fit) {
  int asked = 0;
  LittleServer server([&](const auto&) {
    ++asked;
    return asked == 1   ? reply("I think it is 42")
           : asked == 2 ? reply(R"({"total":"many"})")
                        : reply("```json\n{\"total\": 42}\n```");
  });
  const auto step = make_extract_llm(llm);
  const auto output = succeeded(step->run(call(*step, with(server, total), "x"), {}));
  EXPECT_EQ(value_text(output), R"({"total":42})");
  EXPECT_EQ(output.models[0].calls, 3);
  EXPECT_EQ(output.models[0].prompt_tokens, 30);
  EXPECT_EQ(output.models[0].completion_tokens, 6);
  EXPECT_EQ(sent(server.requests().at(2)).at("messages").as_array().size(), 6u);
}

TEST_F(LlmStep, gives_up_after_its_repairs) {
  LittleServer server([&](const auto&) { return reply("no"); });
  const auto step = make_extract_llm(llm);
  EXPECT_EQ(
      failed_run(step->run(call(*step, with(server, total + std::string(R"(,"repair_attempts":1)")), "x"), {})).code,
      "llm_invalid_output");
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(LlmStep, counts_the_tokens_of_answers_that_were_of_no_use) {
  LittleServer server([&](const auto&) { return reply("no"); });
  const auto step = make_extract_llm(llm);
  const auto fault =
      failed_run(step->run(call(*step, with(server, total + std::string(R"(,"repair_attempts":1)")), "x"), {}));
  ASSERT_EQ(fault.models.size(), 1u);
  EXPECT_EQ(fault.models[0].prompt_tokens, 20);
}

TEST_F(LlmStep, takes_na_for_null_and_checks_the_schema) {
  LittleServer server([](const auto&) { return reply(R"({"total":"NA"})"); });
  const auto step = make_extract_llm(llm);
  EXPECT_EQ(value_text(succeeded(step->run(call(*step, with(server, total), "x"), {}))), R"({"total":null})");
  const auto strict =
      with(server, R"("prompt":"p","schema":{"properties":{"total":{"type":"integer"}}},"repair_attempts":0)");
  EXPECT_EQ(failed_run(step->run(call(*step, strict, "x"), {})).code, "llm_invalid_output");
}

TEST_F(LlmStep, asks_without_structure_where_the_server_knows_none) {
  LittleServer server([](const auto& request) {
    return request.find("response_format") != std::string::npos ? answer("400 Bad", "unknown field")
                                                                : reply(R"({"total":1})");
  });
  const auto step = make_extract_llm(llm);
  EXPECT_EQ(value_text(succeeded(step->run(call(*step, with(server, total), "x"), {}))), R"({"total":1})");
}

TEST_F(LlmStep, never_makes_an_answer_up) {
  const auto step = make_extract_llm(llm);
  const auto nobody = R"({"base_url":"http://127.0.0.1:1/v1","model":"m","prompt":"p"})";
  const auto gone = failed_run(step->run(call(*step, nobody, "x"), {}));
  EXPECT_EQ(gone.code, "llm_unavailable");
  EXPECT_TRUE(gone.again);
  LittleServer server([](const auto&) { return answer("401 No", "bad key"); });
  const auto refused = failed_run(step->run(call(*step, with(server, total), "x"), {}));
  EXPECT_EQ(refused.code, "llm_unavailable");
  EXPECT_FALSE(refused.again);
  LittleServer odd([](const auto&) { return answer("200 OK", R"({"choices":[]})"); });
  EXPECT_EQ(failed_run(step->run(call(*step, with(odd, total), "x"), {})).code, "llm_unavailable");
}

TEST_F(LlmStep, goes_through_the_operators_gateway) {
  LittleServer server([](const auto&) { return reply(R"({"total":1})"); });
  egress::Client strict{egress::Guard({})};
  const Llm through{strict, {"https://api.example/v1=" + server.url("/local")}};
  EXPECT_TRUE(through.may_name("https://api.example/v1/"));
  const auto step = make_extract_llm(through);
  succeeded(step->run(call(*step, R"({"base_url":"https://api.example/v1/","model":"m","prompt":"p"})", "x"), {}));
  EXPECT_TRUE(server.requests().at(0).starts_with("POST /local/chat/completions "));
}

TEST_F(LlmStep, classifies_among_the_bins) {
  LittleServer server([](const auto&) { return reply(R"({"bin":"order"})"); });
  const auto step = make_classify(llm);
  const auto bins =
      R"("by":"llm","bins":[{"name":"invoice","description":"a bill"},{"name":"order","description":"a wish"}])";
  const auto output = succeeded(step->run(call(*step, with(server, bins), "x"), {}));
  EXPECT_EQ(value_text(output), R"({"bin":"order","scores":{"invoice":0E0,"order":1E0}})");
  EXPECT_EQ(output.models.at(0).calls, 1);
}

}  // namespace
}  // namespace toll::workflows::steps
