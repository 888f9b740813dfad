#include "workflows/tests/fixture.h"

namespace toll::workflows {
namespace {

using ::testing::ElementsAre;
using testing::gives;

class EngineTest : public testing::WorkflowsTest {};

TEST_P(EngineTest, a_text_goes_through_its_steps_and_comes_out_as_the_result) {
  const auto workflow = create(
      document(R"({"id":"m","uses":"map","with":{"output":{"got":"{{steps.in.text}}","n":"{{parameters.n}}"}}},)"));
  ASSERT_TRUE(workflow) << workflow.error().describe();
  auto call = order(*workflow, R"({"text":"Total: 42"})");
  call.parameters = parsed(R"({"n":3})");
  const auto execution = accept(call);
  ASSERT_TRUE(execution) << execution.error().describe();
  EXPECT_EQ(execution->state, State::pending);
  run_all();
  EXPECT_EQ(now(*execution).state, State::completed);
  const auto got = items(*execution);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].state, ItemState::succeeded) << got[0].error.value_or("");
  EXPECT_EQ(got[0].output, parsed(R"({"got":"Total: 42","n":3})"));
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineTest, ::testing::ValuesIn(sql::testing::engines), sql::testing::engine_name);

}  // namespace
}  // namespace toll::workflows
