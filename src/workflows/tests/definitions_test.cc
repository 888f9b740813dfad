#include "workflows/tests/fixture.h"

namespace toll::workflows {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::gives;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class DefinitionsTest : public testing::WorkflowsTest {
 protected:
  void SetUp() override {
    WorkflowsTest::SetUp();
    if (IsSkipped()) return;
    add({.name = "calls",
         .with = parsed(R"({"type":"object","properties":{"url":{"type":"string"},"n":{"type":"integer","minimum":1},
             "mode":{"enum":["a","b"]}},"required":["url"]})"),
         .outputs = {"status", "body"},
         .secrets = true},
        [](const Call&, std::stop_token) { return gives(1); });
    add({.name = "reads.text", .takes = {Media::text, Media::document}, .gives = {Media::text}},
        [](const Call&, std::stop_token) { return gives(1); });
    add({.name = "sounds", .gives = {Media::audio}}, [](const Call&, std::stop_token) { return gives(1); });
    catalogue.add_absent("media.transcribe", "Words.", "no transcription model is installed");
  }
  // Between a source and sink.response, which need each other in the order of the list.
  std::vector<std::string> of_steps(std::string_view steps) { return problems(document(steps)); }
};

TEST_P(DefinitionsTest, a_workflow_is_made_read_changed_and_removed) {
  const auto made = create(document("", R"(,"limits":{"max_files":5})")).value();
  EXPECT_EQ(made.revision, 1);
  const auto get = [&] { return read([&](sql::Tx& tx) { return definitions.get(tx, owner.organisation, made.id); }); };
  EXPECT_EQ(get()->definition.limits.max_files, 5);
  EXPECT_EQ(get()->definition.limits.timeout_s, 3600);
  clock.advance(std::chrono::seconds(1));
  const auto patched =
      write([&](sql::Tx& tx) { return definitions.patch(tx, owner, made.id, parsed(R"({"name":"other"})")); });
  EXPECT_EQ(patched->revision, 2);
  EXPECT_EQ(patched->definition.name, "other");
  EXPECT_EQ(get()->definition.steps.size(), 2u);
  EXPECT_GT(get()->updated_at, made.updated_at);
  const auto page = read([&](sql::Tx& tx) { return definitions.list(tx, owner.organisation, {.search = "OTH"}); });
  EXPECT_EQ(page.count, 1);
  EXPECT_TRUE(write([&](sql::Tx& tx) { return definitions.remove(tx, owner.organisation, made.id); }));
  EXPECT_EQ(get().error().reason(), Reason::workflow_not_found);
}

TEST_P(DefinitionsTest, what_was_read_can_be_written_back) {
  const auto made = create(document("")).value();
  const auto again = write([&](sql::Tx& tx) { return definitions.replace(tx, owner, made.id, write_workflow(made)); });
  ASSERT_TRUE(again) << again.error().describe();
  EXPECT_EQ(write_definition(again->definition), write_definition(made.definition));
}

TEST_P(DefinitionsTest, another_organisations_workflow_is_absent) {
  const auto made = create(document("")).value();
  const OrganisationId other("other");
  const Owner stranger{other, payer};
  const auto reason = [](const auto& result) { return result.error().reason(); };
  EXPECT_EQ(reason(read([&](sql::Tx& tx) { return definitions.get(tx, other, made.id); })), Reason::workflow_not_found);
  EXPECT_EQ(reason(write([&](sql::Tx& tx) { return definitions.replace(tx, stranger, made.id, document("")); })),
            Reason::workflow_not_found);
  EXPECT_EQ(reason(write([&](sql::Tx& tx) { return definitions.remove(tx, other, made.id); })),
            Reason::workflow_not_found);
  auto call = order(made);
  call.organisation = other;
  EXPECT_EQ(reason(executions_->prepare(call)), Reason::workflow_not_found);
}

TEST_P(DefinitionsTest, a_used_workflow_stays) {
  const auto made = create(document("")).value();
  definitions.asks([](sql::Tx&, const WorkflowId&) { return true; });
  const auto removed = write([&](sql::Tx& tx) { return definitions.remove(tx, owner.organisation, made.id); });
  EXPECT_EQ(removed.error().reason(), Reason::workflow_in_use);
  EXPECT_TRUE(read([&](sql::Tx& tx) { return definitions.get(tx, owner.organisation, made.id); }));
}

TEST_P(DefinitionsTest, everything_wrong_is_told_at_once_with_its_place) {
  EXPECT_THAT(problems(parsed(R"({"type":"FOO","input_schema":{"type":"nothing"},"limits":{"max_files":0},"steps":[
      {"id":"in","uses":"source.request"},{"id":"in","uses":"no.such"},
      {"id":"Bad Id","uses":"calls","with":{"n":0,"mode":"c"},"needs":["in","gone"]}]})")),
              UnorderedElementsAre("required name", "invalid_choice type", "invalid_schema input_schema.type",
                                   "min_value limits.max_files", "duplicate_id steps.1.id", "unknown_step steps.1.uses",
                                   "invalid steps.2.id", "unknown_need steps.2.needs.1", "required steps.2.with.url",
                                   "min_value steps.2.with.n", "invalid_choice steps.2.with.mode", "no_sink steps"));
}

TEST_P(DefinitionsTest, a_step_that_this_server_cannot_do_is_refused_with_the_reason) {
  const auto checked = read([&](sql::Tx& tx) {
    return definitions.validate(tx, owner, document(R"({"id":"t","uses":"media.transcribe"},)"));
  });
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().problems()[0].code, "step_unavailable");
  EXPECT_THAT(checked.error().problems()[0].message, ::testing::HasSubstr("no transcription model is installed"));
}

TEST_P(DefinitionsTest, steps_that_need_each_other_are_a_cycle) {
  EXPECT_THAT(problems(parsed(R"({"name":"n","type":"API","steps":[{"id":"in","uses":"source.request"},
      {"id":"a","uses":"map","needs":["b"],"with":{"output":1}},{"id":"b","uses":"map","needs":["a"],"with":{"output":1}},
      {"id":"c","uses":"map","needs":["c"],"with":{"output":1}},{"id":"out","uses":"sink.response"}]})")),
              UnorderedElementsAre("cycle steps.1.needs", "cycle steps.2.needs", "cycle steps.3.needs"));
}

TEST_P(DefinitionsTest, each_type_has_its_ends) {
  const auto of = [&](std::string_view type, std::string_view steps) {
    return problems(
        parsed(R"({"name":"n","type":")" + std::string(type) + R"(","steps":[)" + std::string(steps) + "]}"));
  };
  constexpr auto source = R"({"id":"in","uses":"source.request"})", response = R"({"id":"out","uses":"sink.response"})";
  EXPECT_THAT(of("API", source), ElementsAre("no_sink steps"));
  EXPECT_THAT(of("task", source), ElementsAre("no_sink steps"));
  EXPECT_THAT(of("TASK", std::string(source) + "," + response), IsEmpty());
  EXPECT_THAT(of("ETL", std::string(source) + "," + response), ElementsAre("no_sink steps"));
  EXPECT_THAT(of("API", response), ElementsAre("no_source steps"));
  EXPECT_THAT(of("API", ""), ElementsAre("invalid steps"));
}

TEST_P(DefinitionsTest, templates_lead_to_what_is_there_before_the_step) {
  const auto of = [&](std::string_view text) {
    return of_steps(R"({"id":"c","uses":"calls","with":{"url":"x"}},{"id":"m","uses":"map","with":{"output":")" +
                    std::string(text) + R"("}},)");
  };
  for (const auto* good :
       {"{{input.a.b}}", "{{parameters.x}}", "{{custom_data.x}}", "{{item.name}}", "{{item.sha256}}",
        "{{steps.c.status}}", "{{steps.in}}", "{{execution.id}}", "{{ not a template", "{{\\\"a\\\":1}}"})
    EXPECT_THAT(of(good), IsEmpty()) << good;
  for (const auto* bad : {"{{steps.out.x}}", "{{steps.gone.x}}", "{{steps.c.nothing}}", "{{item.secret}}",
                          "{{other.x}}", "{{execution.key}}", "text {{steps.m}} text"})
    EXPECT_THAT(of(bad), ElementsAre("bad_reference steps.2.with.output")) << bad;
}

TEST_P(DefinitionsTest, what_templates_stand_for_is_checked_when_the_step_runs) {
  EXPECT_THAT(of_steps(R"({"id":"c","uses":"calls","with":{"url":"x","n":"{{parameters.n}}"}},)"), IsEmpty());
  const auto workflow =
      create(document(R"({"id":"c","uses":"calls","with":{"url":"x","n":"{{parameters.n}}"}},)")).value();
  auto call = order(workflow);
  call.parameters = parsed(R"({"n":"many"})");
  const auto execution = accept(call).value();
  run_all();
  EXPECT_THAT(now(execution).error.value(), ::testing::StartsWith("c: template_error: with.n "));
}

TEST_P(DefinitionsTest, credentials_stand_in_secrets_alone) {
  const auto of = [&](std::string_view with) {
    return of_steps(R"({"id":"c","uses":"calls","with":{"url":"x",)" + std::string(with) + "}},");
  };
  EXPECT_THAT(of(R"("password":"open sesame")"), ElementsAre("secret_literal steps.1.with.password"));
  EXPECT_THAT(of(R"("token":"{{parameters.t}}")"), ElementsAre("secret_literal steps.1.with.token"));
  EXPECT_THAT(of(R"("auth":{"token":"x"})"), ElementsAre("secret_literal steps.1.with.auth.token"));
  EXPECT_THAT(of(R"("token":{"secret":"T"})"), ElementsAre("unknown_secret steps.1.with.token"));
  EXPECT_THAT(of(R"("headers":{"X-Key":{"secret":"T"},"Accept":"a/b"})"),
              ElementsAre("unknown_secret steps.1.with.headers.X-Key"));
  ASSERT_TRUE(write([&](sql::Tx& tx) { return secrets.put(tx, owner.organisation, "T", "value"); }));
  EXPECT_THAT(of(R"("token":{"secret":"T"})"), IsEmpty());
}

TEST_P(DefinitionsTest, a_step_is_fed_what_it_can_read) {
  EXPECT_THAT(of_steps(R"({"id":"s","uses":"sounds"},{"id":"t","uses":"reads.text"},)"), IsEmpty())
      << "the item itself may be text";
  EXPECT_THAT(of_steps(R"({"id":"t","uses":"reads.text"},)"), IsEmpty());
  EXPECT_THAT(problems(parsed(R"({"name":"n","type":"API","steps":[{"id":"in","uses":"sounds.only"},
      {"id":"t","uses":"reads.text"},{"id":"out","uses":"sink.response"}]})")),
              Contains("unknown_step steps.0.uses"));
  add({.name = "source.sounds", .role = Role::source, .gives = {Media::audio}},
      [](const Call&, std::stop_token) { return gives(1); });
  EXPECT_THAT(problems(parsed(R"({"name":"n","type":"API","steps":[{"id":"in","uses":"source.sounds"},
      {"id":"t","uses":"reads.text"},{"id":"out","uses":"sink.response"}]})")),
              ElementsAre("type_mismatch steps.1.uses"));
}

TEST_P(DefinitionsTest, a_source_has_a_sink) {
  add({.name = "source.second", .role = Role::source}, [](const Call&, std::stop_token) { return gives(1); });
  EXPECT_THAT(problems(parsed(R"({"name":"n","type":"API","steps":[{"id":"in","uses":"source.request"},
      {"id":"web","uses":"source.second"},{"id":"m","uses":"map","with":{"output":1},"needs":["web"]},
      {"id":"out","uses":"sink.response"}]})")),
              ElementsAre("no_sink steps.0"));
}

TEST_P(DefinitionsTest, input_is_checked_before_anything_is_stored) {
  const auto workflow =
      create(
          document("", R"(,"input_schema":{"type":"object","required":["invoice_no"],"properties":{"invoice_no":{"type":
          "integer"}}})"))
          .value();
  const auto codes = [&](std::string_view input) {
    std::vector<std::string> out;
    const auto prepared = executions_->prepare(order(workflow, input));
    if (!prepared)
      for (const auto& problem : prepared.error().problems()) out.push_back(problem.code + " " + to_text(problem.path));
    return out;
  };
  EXPECT_THAT(codes("{}"), ElementsAre("required input_data.invoice_no"));
  EXPECT_THAT(codes(R"({"invoice_no":"x"})"), ElementsAre("type input_data.invoice_no"));
  EXPECT_THAT(codes(R"({"invoice_no":7})"), IsEmpty());
}

TEST_P(DefinitionsTest, content_comes_in_input_data_too) {
  const auto workflow = create(document("", R"(,"limits":{"max_files":4,"max_file_mb":1})")).value();
  const auto prepared =
      executions_->prepare(order(workflow, R"({"text":"t","file_urls":["https://a.test/b%20c.pdf?x=1"],
      "files":[{"name":"d.txt","content_base64":"aGVsbG8=","content_type":"text/plain"}]})"));
  ASSERT_TRUE(prepared) << prepared.error().describe();
  std::vector<std::string> names;
  for (const auto& item : prepared->items) names.push_back(item.name);
  EXPECT_THAT(names, ElementsAre("b c.pdf", "d.txt", "input.txt"));
  const auto bad =
      executions_->prepare(order(workflow, R"({"text":1,"file_url":7,"files":[{"content_base64":"?"},{}]})"));
  EXPECT_EQ(bad.error().problems().size(), 4u);
  const auto large = executions_->prepare(
      order(workflow, R"({"files":[{"content_base64":")" + std::string(1'500'000, 'A') + R"("}]})"));
  EXPECT_EQ(large.error().reason(), Reason::upload_too_large);
  auto many = order(workflow);
  for (int i = 0; i < 5; ++i) many.files.push_back({"f", "", staged("1")});
  EXPECT_EQ(executions_->prepare(many).error().reason(), Reason::invalid_request);
}

TEST_P(DefinitionsTest, limits_stay_within_the_operators) {
  const Definitions small(catalogue, secrets, clock, random, {.caps = {10, 5, 60}});
  const auto check = [&](std::string_view more) {
    const auto checked = read([&](sql::Tx& tx) { return small.validate(tx, owner, document("", more)); });
    return checked.has_value();
  };
  EXPECT_TRUE(check(""));
  EXPECT_FALSE(check(R"(,"limits":{"max_file_mb":11})"));
}

// --- secrets ---

TEST_P(DefinitionsTest, a_secret_is_kept_encrypted_and_opens_only_in_its_place) {
  const OrganisationId other("other");
  ASSERT_TRUE(write([&](sql::Tx& tx) { return secrets.put(tx, owner.organisation, "T", "open sesame"); }));
  const auto box = read([&](sql::Tx& tx) { return tx.one("SELECT box FROM workflow_secrets")->text(0); });
  EXPECT_EQ(box.find("sesame"), box.npos);
  EXPECT_EQ(read([&](sql::Tx& tx) { return secrets.open(tx, owner.organisation, "T"); }), "open sesame");
  write([&](sql::Tx& tx) { return tx.exec("UPDATE workflow_secrets SET organisation_id = 'other'"); });
  EXPECT_EQ(read([&](sql::Tx& tx) { return secrets.open(tx, other, "T"); }), std::nullopt);
}

TEST_P(DefinitionsTest, a_secret_is_replaced_listed_by_name_and_removed) {
  const auto put = [&](std::string_view name, std::string_view value) {
    return write([&](sql::Tx& tx) { return secrets.put(tx, owner.organisation, name, value); });
  };
  ASSERT_TRUE(put("B", "1"));
  ASSERT_TRUE(put("A", "1"));
  ASSERT_TRUE(put("A", "2"));
  EXPECT_THAT(read([&](sql::Tx& tx) { return secrets.names(tx, owner.organisation); }), ElementsAre("A", "B"));
  EXPECT_EQ(read([&](sql::Tx& tx) { return secrets.open(tx, owner.organisation, "A"); }), "2");
  EXPECT_FALSE(put("a b", "1"));
  EXPECT_FALSE(put("C", ""));
  const auto remove = [&] { return write([&](sql::Tx& tx) { return secrets.remove(tx, owner.organisation, "A"); }); };
  EXPECT_TRUE(remove());
  EXPECT_EQ(remove().error().reason(), Reason::secret_not_found);
}

TEST_P(DefinitionsTest, a_secret_is_filled_in_where_credentials_stand_and_nowhere_else) {
  ASSERT_TRUE(write([&](sql::Tx& tx) { return secrets.put(tx, owner.organisation, "T", "open sesame"); }));
  json::Object seen;
  add({.name = "sends", .secrets = true}, [&](const Call& call, std::stop_token) {
    seen = call.with;
    return gives(1);
  });
  const auto workflow = create(document(R"({"id":"c","uses":"sends","with":{"token":{"secret":"T"},
      "headers":{"X":{"secret":"T"}},"body":{"token":{"secret":"T"},"p":"{{parameters.p}}"}}},
      {"id":"m","uses":"map","with":{"output":{"token":{"secret":"T"}}}},)"))
                            .value();
  auto call = order(workflow);
  call.parameters = parsed(R"({"p":{"secret":"T"}})");
  const auto execution = accept(call).value();
  run_all();
  EXPECT_EQ(seen, parsed(R"({"token":"open sesame","headers":{"X":"open sesame"},
      "body":{"token":{"secret":"T"},"p":{"secret":"T"}}})"));
  EXPECT_EQ(items(execution)[0].output, parsed(R"({"token":{"secret":"T"}})"));
}

INSTANTIATE_TEST_SUITE_P(Engines, DefinitionsTest, ::testing::ValuesIn(sql::testing::engines),
                         sql::testing::engine_name);

}  // namespace
}  // namespace toll::workflows
