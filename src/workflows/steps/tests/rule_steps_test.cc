#include "workflows/steps/files.h"
#include "workflows/steps/tests/calls.h"

namespace toll::workflows::steps {
namespace {

class RuleSteps : public StepTest {
 protected:
  egress::Client client{egress::Guard({})};
  Llm llm{client, {}};
};

TEST_F(RuleSteps, extract_fields_from_the_text_before) {
  const auto step = make_extract_rules();
  auto call = this->call(
      *step, R"({"fields":[{"name":"total","label":"Total","type":"integer"},{"name":"page","label":"No","page":2}]})");
  call.before.push_back(
      {"read",
       "text.extract",
       parsed(R"({"text":"Total: 42\fNo 7","pages":[{"number":1,"text":"Total: 42"},{"number":2,"text":"No 7"}]})"),
       {}});
  EXPECT_EQ(value_text(succeeded(step->run(call, {}))), R"({"total":42,"page":"7"})");
}

TEST_F(RuleSteps, fail_an_item_that_lacks_a_required_field) {
  const auto step = make_extract_rules();
  const auto fault = failed_run(
      step->run(call(*step, R"({"fields":[{"name":"no","label":"Invoice no","required":true}]})", "Total: 1"), {}));
  EXPECT_EQ(fault.code, "required_missing");
  EXPECT_EQ(fault.detail, "no was not found.");
  EXPECT_FALSE(fault.again);
}

TEST_F(RuleSteps, extract_from_json_by_pointers) {
  const auto step = make_extract_rules();
  auto call = this->call(*step, R"({"fields":[{"name":"a","pointer":"/x/0","type":"number"}]})");
  call.item.data = parsed(R"({"x":["1,5"]})");
  EXPECT_EQ(value_text(succeeded(step->run(call, {}))), R"({"a":1.5E0})");
}

TEST_F(RuleSteps, classify_by_keywords) {
  const auto step = make_classify(llm);
  const auto with = R"({"bins":[{"name":"invoice","keywords":["invoice"]},{"name":"order","regex":"PO-\\d+"}]})";
  EXPECT_EQ(value_text(succeeded(step->run(call(*step, with, "An invoice"), {}))),
            R"({"bin":"invoice","scores":{"invoice":1E0,"order":0E0}})");
  EXPECT_EQ(succeeded(step->run(call(*step, with, "nothing"), {})).value.at("bin"), "unknown");
}

TEST_F(RuleSteps, detect_types_from_bytes_and_refuse_others) {
  const auto step = make_detect_type(detect_plainly);
  auto call = this->call(*step, R"({"allow":["application/pdf"]})");
  call.item.file = stored("x.txt", "text/plain", "%PDF-1.7");
  EXPECT_EQ(value_text(succeeded(step->run(call, {}))), R"({"mime":"application/pdf","extension":"pdf"})");
  call.item.file = stored("x.pdf", "application/pdf", "hello");
  EXPECT_EQ(failed_run(step->run(call, {})).code, "unsupported_type");
  auto office = this->call(*step, "{}");
  office.item.file = stored("x", "application/octet-stream", "PK\x03\x04 ... word/document.xml ...");
  EXPECT_EQ(succeeded(step->run(office, {})).value.at("extension"), "docx");
}

TEST(Names, of_files_come_from_paths_without_surprises) {
  EXPECT_EQ(name_of_path("/a/b%20c.pdf"), "b c.pdf");
  EXPECT_EQ(name_of_path("/a/"), "a");
  for (auto bad : {"", "/", "..", "a/..", "%2e%2e", "%ff"}) EXPECT_EQ(name_of_path(bad), "file") << bad;
  EXPECT_EQ(name_of_path("a%2Fb"), "ab");
}

}  // namespace
}  // namespace toll::workflows::steps
