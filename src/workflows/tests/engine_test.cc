#include <latch>
#include <thread>

#include "base/digest.h"
#include "workflows/files.h"
#include "workflows/tests/fixture.h"

namespace toll::workflows {
namespace {

using ::testing::ElementsAre;
using testing::gives;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::int64_t price = 1000;

class EngineTest : public testing::WorkflowsTest {
 protected:
  // in -> first (paid, lasting) -> second -> out
  Workflow two_paid_steps() {
    add(
        {.name = "first", .lasting = true},
        [this](const Call&, std::stop_token) {
          ++first_runs;
          return gives(json::Object{{"text", "from the first"}});
        },
        price);
    add(
        {.name = "second", .lasting = true},
        [this](const Call& call, std::stop_token stop) {
          ++second_runs;
          return second ? second(call, std::move(stop)) : gives(json::Object{{"text", "from the second"}});
        },
        price);
    return create(document(R"({"id":"a","uses":"first"},{"id":"b","uses":"second","retry":{"backoff_s":0}},)")).value();
  }
  // A worker that takes the item, finishes its first steps and dies.
  Claim die_after(const Execution&, const std::vector<std::string>& steps) {
    const auto claims = write([&](sql::Tx& tx) { return work_->claim(tx, "dead", std::chrono::seconds(30)); });
    EXPECT_EQ(claims.size(), 1u);
    const auto item = read([&](sql::Tx& tx) { return work_->load(tx, claims[0]); }).value();
    for (const auto& step : steps) {
      Output output;
      output.value = json::Object{{"text", "from the dead"}};
      const std::vector<Outcome> done{{step, 1, clock.now(), output, R"({"text":"from the dead"})"}};
      EXPECT_TRUE(
          *write([&](sql::Tx& tx) { return work_->commit(tx, claims[0], item, done, std::optional<ItemEnd>()); }));
    }
    return claims[0];
  }
  void lease_runs_out() {
    clock.advance(std::chrono::seconds(31));
    EXPECT_EQ(write([&](sql::Tx& tx) { return work_->reclaim(tx); }), 1u);
  }
  Execution run(const Order& order) {
    const auto execution = accept(order).value();
    run_all();
    return now(execution);
  }

  std::atomic<int> first_runs = 0, second_runs = 0;
  testing::Scripted::Script second;
};

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
  EXPECT_EQ(got[0].name, "input.txt");
}

TEST_P(EngineTest, a_call_without_content_is_one_item_of_its_input_data) {
  const auto workflow = create(document("")).value();
  const auto execution = run(order(workflow, R"({"invoice":7})"));
  const auto got = items(execution);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].name, "input.json");
  EXPECT_EQ(got[0].output.at("data"), parsed(R"({"invoice":7})"));
}

TEST_P(EngineTest, every_uploaded_part_is_an_item_even_with_equal_bytes_and_names) {
  const auto workflow = create(document("")).value();
  auto call = order(workflow);
  for (int i = 0; i < 2; ++i) call.files.push_back({"a.txt", "text/plain", staged("same")});
  const auto got = items(run(call));
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].sha256, got[1].sha256);
  EXPECT_NE(got[0].id, got[1].id);
}

// --- durability ---

TEST_P(EngineTest, a_finished_step_of_a_dead_worker_is_neither_run_nor_paid_again) {
  const auto workflow = two_paid_steps();
  const auto before = balance();
  const auto execution = accept(order(workflow)).value();
  EXPECT_EQ(held().micros, 2 * price);
  die_after(execution, {"in", "a"});
  EXPECT_EQ(held().micros, price);
  lease_runs_out();
  run_all();
  EXPECT_EQ(now(execution).state, State::completed);
  EXPECT_EQ(first_runs, 0);
  EXPECT_EQ(second_runs, 1);
  EXPECT_EQ((before - balance()).micros, 2 * price);
  EXPECT_EQ(held().micros, 0);
  EXPECT_EQ(now(execution).cost.micros, 2 * price);
}

TEST_P(EngineTest, a_late_worker_without_the_lease_cannot_commit) {
  const auto workflow = two_paid_steps();
  const auto execution = accept(order(workflow)).value();
  const auto late = die_after(execution, {});
  lease_runs_out();
  const auto successor = write([&](sql::Tx& tx) { return work_->claim(tx, "next", std::chrono::seconds(30)); });
  ASSERT_EQ(successor.size(), 1u);
  const auto item = Loaded{};
  const std::vector<Outcome> done{{"a", 1, clock.now(), Output{}, "null"}};
  EXPECT_FALSE(*write([&](sql::Tx& tx) { return work_->commit(tx, late, item, done, std::optional<ItemEnd>()); }));
  lease_runs_out();
  run_all();
  EXPECT_FALSE(*write([&](sql::Tx& tx) {
    return work_->commit(tx, late, item, done, std::optional(ItemEnd{false, nullptr, {}, "late"}));
  }));
  EXPECT_EQ(now(execution).state, State::completed);
  EXPECT_EQ(first_runs, 1);
}

TEST_P(EngineTest, an_item_whose_workers_die_every_time_fails_with_worker_lost) {
  const auto workflow = two_paid_steps();
  const auto execution = accept(order(workflow)).value();
  for (int i = 0; i < 3; ++i) {
    die_after(execution, {});
    lease_runs_out();
  }
  run_all();
  EXPECT_EQ(now(execution).state, State::error);
  EXPECT_THAT(items(execution)[0].error.value(), StartsWith("in: worker_lost: "));
  EXPECT_EQ(held().micros, 0);
}

TEST_P(EngineTest, a_runner_that_stops_gives_its_items_back_and_the_next_one_ends_them) {
  std::latch begun(1);
  std::atomic<bool> blocked = true;
  const auto workflow = two_paid_steps();
  second = [&](const Call&, std::stop_token stop) -> StepResult {
    if (!blocked) return gives(1);
    begun.count_down();
    while (!stop.stop_requested()) std::this_thread::yield();
    return failed(fault::cancelled, "stopped");
  };
  const auto execution = accept(order(workflow)).value();
  runner_->start();
  begun.wait();
  runner_->stop();
  EXPECT_EQ(now(execution).state, State::executing);
  blocked = false;
  runner_ = make_runner("another");
  run_all();
  EXPECT_EQ(now(execution).state, State::completed);
  EXPECT_EQ(first_runs, 1);
}

TEST_P(EngineTest, one_crash_does_not_count_against_the_steps_after_it) {
  two_paid_steps();
  const auto workflow =
      create(document(R"({"id":"a","uses":"first"},{"id":"b","uses":"second","retry":{"max_attempts":1}},)"));
  const auto execution = accept(order(*workflow)).value();
  die_after(execution, {});
  lease_runs_out();
  run_all();
  EXPECT_EQ(now(execution).state, State::completed) << now(execution).error.value_or("");
}

TEST_P(EngineTest, files_of_a_result_outlive_the_worker_that_showed_them) {
  add({.name = "makes", .lasting = true}, [this](const Call&, std::stop_token) -> StepResult {
    Output out;
    out.files.push_back({"made.txt", "text/plain", staged("made")});
    return out;
  });
  const auto workflow = create(document(R"({"id":"x","uses":"makes"},)")).value();
  const auto execution = accept(order(workflow)).value();
  const auto claim = write([&](sql::Tx& tx) { return work_->claim(tx, "dead", std::chrono::seconds(30)); }).at(0);
  const auto item = read([&](sql::Tx& tx) { return work_->load(tx, claim); }).value();
  Output made, shown;
  made.files.push_back({"made.txt", "text/plain", staged("made")});
  shown.shown.emplace_back("x", made.files[0].file());
  const std::vector<Outcome> done{{"in", 1, clock.now(), Output{}, "null"},
                                  {"x", 1, clock.now(), made, "null"},
                                  {"out", 1, clock.now(), shown, "null"}};
  ASSERT_TRUE(*write([&](sql::Tx& tx) { return work_->commit(tx, claim, item, done, std::optional<ItemEnd>()); }));
  lease_runs_out();
  run_all();
  ASSERT_EQ(items(execution)[0].files.size(), 1u);
  EXPECT_EQ(items(execution)[0].files[0].file.name, "made.txt");
}

TEST_P(EngineTest, no_text_that_a_step_fails_with_can_keep_its_item_running) {
  two_paid_steps();
  second = [](const Call&, std::stop_token) -> StepResult {
    return failed(fault::schema_invalid, std::string("a\0b\xff", 4) + std::string(10'000, 'x'));
  };
  const auto workflow = create(document(R"({"id":"a","uses":"first"},{"id":"b","uses":"second"},)")).value();
  const auto execution = run(order(workflow));
  EXPECT_EQ(execution.state, State::error);
  EXPECT_THAT(execution.error.value(), StartsWith("b: schema_invalid: a b?x"));
}

TEST_P(EngineTest, templates_cannot_make_more_of_a_value_than_memory_holds) {
  const auto big = std::string(3 << 20, 'x');
  const auto workflow = create(document(
      R"({"id":"m","uses":"map","with":{"output":["{{input.big}}","{{input.big}}","{{input.big}}","{{input.big}}","{{input.big}}","{{input.big}}"]}},)"));
  auto call = order(*workflow);
  call.input_data["big"] = big;
  const auto execution = run(call);
  EXPECT_THAT(execution.error.value(), StartsWith("m: template_error: "));
}

TEST_P(EngineTest, tokens_of_a_failed_step_and_of_every_attempt_are_kept) {
  two_paid_steps();
  second = [](const Call& call, std::stop_token) -> StepResult {
    auto fault = failed(fault::llm_invalid_output, "No JSON.");
    fault.models = {{"gpt", 1, 10, 5}};
    fault.again = call.attempt < 3;
    return fault;
  };
  const auto workflow =
      create(document(R"({"id":"a","uses":"first"},{"id":"b","uses":"second","retry":{"backoff_s":0}},)")).value();
  const auto execution = run(order(workflow));
  const auto got = items(execution);
  for (const auto& step : got[0].steps) EXPECT_EQ(step.tokens(), step.step == "b" ? 45 : 0);
}

// --- states ---

TEST_P(EngineTest, an_execution_is_completed_when_one_item_succeeded_and_an_error_when_none_did) {
  add({.name = "picky"}, [](const Call& call, std::stop_token) -> StepResult {
    if (call.item.name == "bad.txt") return failed(fault::required_missing, "There is no total.");
    return gives(1);
  });
  const auto workflow = create(document(R"({"id":"p","uses":"picky"},)")).value();
  auto call = order(workflow);
  call.files = {{"good.txt", "", staged("1")}, {"bad.txt", "", staged("2")}};
  const auto partial = run(call);
  EXPECT_EQ(partial.state, State::completed);
  EXPECT_EQ(partial.succeeded, 1);
  EXPECT_EQ(items(partial)[1].error, "p: required_missing: There is no total.");
  call.files = {{"bad.txt", "", staged("2")}};
  const auto none = run(call);
  EXPECT_EQ(none.state, State::error);
  EXPECT_EQ(none.error, "p: required_missing: There is no total.");
}

TEST_P(EngineTest, no_further_step_of_a_failed_item_starts) {
  const auto workflow = two_paid_steps();
  second = [](const Call&, std::stop_token) -> StepResult { return failed(fault::engine_failed, "no"); };
  add({.name = "third"}, [](const Call&, std::stop_token) -> StepResult {
    ADD_FAILURE();
    return gives(1);
  });
  const auto longer =
      create(document(R"({"id":"a","uses":"first"},{"id":"b","uses":"second"},{"id":"c","uses":"third"},)")).value();
  const auto before = balance();
  const auto execution = run(order(longer));
  EXPECT_EQ(execution.state, State::error);
  EXPECT_EQ((before - balance()).micros, price) << "the step that failed is not paid, the one before it is";
  EXPECT_EQ(held().micros, 0);
}

TEST_P(EngineTest, what_nobody_can_pay_is_not_accepted_and_leaves_nothing) {
  const auto workflow = two_paid_steps();
  auto call = order(workflow);
  call.payer = AccountId(8);
  EXPECT_EQ(accept(call).error().reason(), Reason::insufficient_credits);
  EXPECT_EQ(read([&](sql::Tx& tx) { return executions_->list(tx, {.organisation = owner.organisation}).count; }), 0);
}

TEST_P(EngineTest, a_failure_that_may_pass_is_tried_again_and_counted) {
  const auto workflow = two_paid_steps();
  second = [](const Call& call, std::stop_token) -> StepResult {
    if (call.attempt == 3) return gives("at last");
    auto fault = failed(fault::fetch_failed, "The other end hung up.");
    fault.again = true;
    return fault;
  };
  const auto execution = run(order(workflow));
  EXPECT_EQ(execution.state, State::completed);
  EXPECT_EQ(second_runs, 3);
  EXPECT_EQ(items(execution)[0].output, "at last");
  const auto steps = items(execution)[0].steps;
  EXPECT_TRUE(std::ranges::any_of(steps, [](const StepRun& s) { return s.step == "b" && s.attempt == 3; }));
}

TEST_P(EngineTest, a_failure_that_will_not_pass_is_not_tried_again) {
  const auto workflow = two_paid_steps();
  second = [](const Call&, std::stop_token) -> StepResult { return failed(fault::file_unreadable, "broken"); };
  EXPECT_EQ(run(order(workflow)).error, "b: file_unreadable: broken");
  EXPECT_EQ(second_runs, 1);
}

TEST_P(EngineTest, an_exception_in_a_step_fails_the_item_and_tells_nobody_why) {
  const auto workflow = two_paid_steps();
  second = [](const Call&, std::stop_token) -> StepResult { throw std::runtime_error("/secret/path"); };
  EXPECT_EQ(run(order(workflow)).error, "b: engine_failed: Something went wrong on our side.");
}

TEST_P(EngineTest, a_template_that_leads_nowhere_fails_the_item) {
  const auto workflow = create(document(R"({"id":"m","uses":"map","with":{"output":"{{input.missing}}"}},)")).value();
  EXPECT_THAT(run(order(workflow)).error.value(), StartsWith("m: template_error: "));
}

TEST_P(EngineTest, a_deadline_ends_the_execution_and_what_had_finished_keeps_its_result) {
  std::latch begun(1);
  add({.name = "slow"}, [&](const Call& call, std::stop_token stop) -> StepResult {
    if (call.item.name == "quick.txt") return gives("quick");
    begun.count_down();
    while (!stop.stop_requested()) std::this_thread::yield();
    return failed(fault::cancelled, "stopped");
  });
  const auto workflow = create(document(R"({"id":"s","uses":"slow"},)", R"(,"limits":{"timeout_s":5})")).value();
  auto call = order(workflow);
  call.files = {{"quick.txt", "", staged("1")}, {"slow.txt", "", staged("2")}};
  const auto execution = accept(call).value();
  EXPECT_TRUE(runner_->run_one());
  std::thread other([&] { EXPECT_TRUE(runner_->run_one()); });
  begun.wait();
  clock.advance(std::chrono::seconds(4));
  runner_->keep();
  EXPECT_EQ(now(execution).state, State::executing);
  clock.advance(std::chrono::seconds(1));
  runner_->keep();
  other.join();
  const auto ended = now(execution);
  EXPECT_EQ(ended.state, State::error);
  EXPECT_EQ(ended.error, "execution timed out after 5 s");
  const auto got = items(execution);
  EXPECT_EQ(got[0].output, "quick");
  EXPECT_THAT(got[1].error.value(), HasSubstr(": deadline_exceeded: execution timed out after 5 s"));
}

TEST_P(EngineTest, a_step_has_a_time_of_its_own) {
  std::latch begun(1);
  add({.name = "slow"}, [&](const Call&, std::stop_token stop) -> StepResult {
    begun.count_down();
    while (!stop.stop_requested()) std::this_thread::yield();
    return failed(fault::cancelled, "stopped");
  });
  const auto workflow = create(document(R"({"id":"s","uses":"slow","timeout_s":2},)")).value();
  const auto execution = accept(order(workflow)).value();
  std::thread other([&] { runner_->run_one(); });
  begun.wait();
  clock.advance(std::chrono::seconds(2));
  runner_->keep();
  other.join();
  EXPECT_EQ(now(execution).error, "s: deadline_exceeded: the step timed out after 2 s");
}

TEST_P(EngineTest, what_waits_is_cancelled_at_once_and_stays_so) {
  const auto workflow = two_paid_steps();
  const auto execution = accept(order(workflow)).value();
  const auto cancel = [&] { return write([&](sql::Tx& tx) { return executions_->cancel(tx, execution); }); };
  EXPECT_EQ(cancel()->state, State::stopped);
  EXPECT_EQ(cancel()->state, State::stopped);
  EXPECT_FALSE(runner_->run_one());
  EXPECT_EQ(held().micros, 0);
  EXPECT_EQ(items(execution)[0].error, "in: cancelled: The execution was cancelled.");
  EXPECT_FALSE(now(execution).started_at);
}

TEST_P(EngineTest, what_runs_is_stopped_by_a_cancel_and_its_late_output_is_dropped) {
  std::latch begun(1);
  const auto workflow = two_paid_steps();
  second = [&](const Call&, std::stop_token stop) -> StepResult {
    begun.count_down();
    while (!stop.stop_requested()) std::this_thread::yield();
    return gives("too late");
  };
  const auto execution = accept(order(workflow)).value();
  runner_->start();
  begun.wait();
  EXPECT_EQ(write([&](sql::Tx& tx) { return executions_->cancel(tx, execution); })->state, State::stopped);
  while (runner_->running() > 0) std::this_thread::yield();
  runner_->stop();
  EXPECT_EQ(now(execution).state, State::stopped);
  EXPECT_EQ(items(execution)[0].error, "b: cancelled: The execution was cancelled.");
  EXPECT_EQ(now(execution).cost.micros, price);
  EXPECT_EQ(held().micros, 0);
}

TEST_P(EngineTest, an_execution_that_has_ended_cannot_be_cancelled) {
  const auto workflow = create(document("")).value();
  const auto execution = run(order(workflow));
  const auto cancelled = write([&](sql::Tx& tx) { return executions_->cancel(tx, execution); });
  EXPECT_EQ(cancelled.error().reason(), Reason::execution_finished);
  EXPECT_EQ(now(execution).state, State::completed);
}

TEST_P(EngineTest, an_execution_keeps_the_revision_that_it_was_accepted_with) {
  const auto workflow = create(document(R"({"id":"m","uses":"map","with":{"output":"old"}},)")).value();
  const auto execution = accept(order(workflow)).value();
  ASSERT_TRUE(write([&](sql::Tx& tx) {
    return definitions.replace(tx, owner, workflow.id, document(R"({"id":"m","uses":"map","with":{"output":"new"}},)"));
  }));
  ASSERT_TRUE(write([&](sql::Tx& tx) { return definitions.remove(tx, owner.organisation, workflow.id); }));
  run_all();
  EXPECT_EQ(items(execution)[0].output, "old");
}

// --- parallel ---

TEST_P(EngineTest, steps_that_wait_for_nothing_run_at_the_same_time) {
  std::latch both(2);
  add({.name = "meets"}, [&](const Call& call, std::stop_token) {
    both.arrive_and_wait();
    return gives(json::Value(call.step));
  });
  const auto workflow = create(parsed(R"({"name":"n","type":"API","steps":[{"id":"in","uses":"source.request"},
      {"id":"x","uses":"meets","needs":["in"]},{"id":"y","uses":"meets","needs":["in"]},
      {"id":"m","uses":"map","needs":["x","y"],"with":{"output":"{{steps.x}} {{steps.y}}"}},
      {"id":"out","uses":"sink.response"}]})"))
                            .value();
  EXPECT_EQ(items(run(order(workflow)))[0].output, "x y");
}

TEST_P(EngineTest, items_run_at_the_same_time) {
  std::latch both(2);
  add({.name = "meets"}, [&](const Call&, std::stop_token) {
    both.arrive_and_wait();
    return gives(1);
  });
  const auto workflow = create(document(R"({"id":"x","uses":"meets"},)")).value();
  auto call = order(workflow);
  call.files = {{"a", "", staged("1")}, {"b", "", staged("2")}};
  runner_->start();
  const auto execution = accept(call).value();
  EXPECT_TRUE(executions_->wait(execution.id, std::chrono::seconds(60)));
  EXPECT_EQ(now(execution).succeeded, 2);
  runner_->stop();
}

TEST_P(EngineTest, a_large_batch_lets_a_small_call_through) {
  std::vector<std::string> order_of_runs;
  add({.name = "notes"}, [&](const Call& call, std::stop_token) {
    order_of_runs.push_back(call.item.name);
    return gives(1);
  });
  const auto workflow = create(document(R"({"id":"x","uses":"notes"},)")).value();
  auto batch = order(workflow);
  for (int i = 0; i < 5; ++i) batch.files.push_back({"batch" + std::to_string(i), "", staged("1")});
  ASSERT_TRUE(accept(batch));
  auto small = order(workflow);
  small.files = {{"small", "", staged("2")}};
  ASSERT_TRUE(accept(small));
  run_all();
  EXPECT_NE(order_of_runs.back(), "small");
}

// --- reading ---

TEST_P(EngineTest, of_two_first_readers_exactly_one_gets_the_acknowledgement) {
  const auto workflow = create(document("")).value();
  const auto execution = run(order(workflow));
  std::atomic<int> won = 0;
  std::vector<std::jthread> readers;
  for (int i = 0; i < 8; ++i)
    readers.emplace_back(
        [&] { won += write([&](sql::Tx& tx) { return executions_->acknowledge(tx, execution.id); }); });
  readers.clear();
  EXPECT_EQ(won, 1);
  write([&](sql::Tx& tx) { return executions_->give_back(tx, execution.id), true; });
  EXPECT_TRUE(write([&](sql::Tx& tx) { return executions_->acknowledge(tx, execution.id); }));
}

TEST_P(EngineTest, another_deployments_execution_is_absent) {
  const auto workflow = create(document("")).value();
  const auto execution = run(order(workflow));
  const auto foreign = read([&](sql::Tx& tx) { return executions_->find(tx, DeploymentId("x"), execution.id); });
  EXPECT_EQ(foreign.error().reason(), Reason::execution_not_found);
  const auto other = read([&](sql::Tx& tx) { return executions_->find(tx, OrganisationId("x"), execution.id); });
  EXPECT_EQ(other.error().reason(), Reason::execution_not_found);
}

TEST_P(EngineTest, a_result_is_there_until_its_time_and_then_its_bytes_go) {
  add({.name = "makes"}, [this](const Call&, std::stop_token) -> StepResult {
    Output out;
    out.value = json::Object{{"n", 1}};
    out.files.push_back({"made.txt", "text/plain", staged("made")});
    return out;
  });
  const auto workflow = create(document(R"({"id":"x","uses":"makes"},)")).value();
  auto call = order(workflow);
  call.result_ttl_s = 60;
  const auto execution = run(call);
  ASSERT_EQ(items(execution).size(), 1u);
  EXPECT_EQ(read([&](sql::Tx& tx) { return objects.list(tx, execution.id.value(), result_role).size(); }), 1u);
  clock.advance(std::chrono::seconds(60));
  const auto expired = read([&](sql::Tx& tx) { return executions_->items(tx, now(execution)); });
  EXPECT_EQ(expired.error().reason(), Reason::result_expired);
  EXPECT_EQ(write([&](sql::Tx& tx) { return executions_->sweep(tx); }), 1u);
  EXPECT_EQ(read([&](sql::Tx& tx) { return objects.list(tx, execution.id.value()).size(); }), 0u);
  EXPECT_EQ(now(execution).state, State::completed);
  clock.advance(std::chrono::hours(24 * 91));
  write([&](sql::Tx& tx) { return executions_->sweep(tx); });
  EXPECT_FALSE(read([&](sql::Tx& tx) { return executions_->find(tx, execution.deployment, execution.id); }));
}

TEST_P(EngineTest, equal_bytes_and_parameters_are_answered_from_history_and_cost_nothing) {
  const auto workflow = two_paid_steps();
  auto call = order(workflow);
  call.files = {{"a.txt", "", staged("same")}};
  run(call);
  const auto before = balance();
  call.use_history = true;
  const auto again = accept(call).value();
  EXPECT_EQ(again.state, State::completed);
  EXPECT_TRUE(items(again)[0].from_history);
  EXPECT_EQ(items(again)[0].output, parsed(R"({"text":"from the second"})"));
  EXPECT_EQ(balance(), before);
  EXPECT_EQ(first_runs, 1);
  call.parameters = parsed(R"({"other":1})");
  EXPECT_EQ(accept(call)->state, State::pending) << "other parameters are another question";
}

TEST_P(EngineTest, waiting_ends_with_the_execution_or_with_patience) {
  const auto workflow = create(document("")).value();
  const auto execution = accept(order(workflow)).value();
  EXPECT_FALSE(executions_->wait(execution.id, std::chrono::milliseconds(1)));
  std::thread other([&] { run_all(); });
  EXPECT_TRUE(executions_->wait(execution.id, std::chrono::seconds(60)));
  other.join();
}

TEST_P(EngineTest, who_counts_is_told_of_every_end_once_in_its_transaction) {
  std::vector<std::string> ends;
  executions_->counts([&](sql::Tx&, const Execution& ended) { ends.emplace_back(to_string(ended.state)); });
  const auto workflow = create(document("")).value();
  run(order(workflow));
  const auto second_one = accept(order(workflow)).value();
  EXPECT_TRUE(write([&](sql::Tx& tx) { return executions_->cancel(tx, second_one); }));
  EXPECT_THAT(ends, ElementsAre("COMPLETED", "STOPPED"));
}

TEST_P(EngineTest, a_file_of_a_result_is_the_payers_to_read_and_nobody_elses) {
  add({.name = "makes"}, [this](const Call&, std::stop_token) -> StepResult {
    Output out;
    out.files.push_back({"made.txt", "text/plain", staged("made")});
    return out;
  });
  const auto workflow = create(document(R"({"id":"x","uses":"makes"},)")).value();
  const auto execution = run(order(workflow));
  const FileSpace files(objects, clock);
  const auto key = file_key(execution.id, 0, "x", "made.txt");
  const auto look = [&](objects::Bearer bearer) {
    return read([&](sql::Tx& tx) { return files.find(tx, key, bearer); });
  };
  EXPECT_EQ(look(payer)->size, 4u);
  EXPECT_EQ(look(AccountId(8)).error().reason(), Reason::url_not_valid);
  clock.advance(std::chrono::hours(4));
  EXPECT_EQ(look(payer).error().reason(), Reason::object_not_found);
}

TEST_P(EngineTest, everything_of_an_account_goes_with_it) {
  const auto workflow = two_paid_steps();
  const auto execution = accept(order(workflow)).value();
  write([&](sql::Tx& tx) { return executions_->remove_payer(tx, payer), true; });
  EXPECT_FALSE(read([&](sql::Tx& tx) { return executions_->find(tx, execution.deployment, execution.id); }));
  EXPECT_EQ(held().micros, 0);
  EXPECT_FALSE(runner_->run_one());
}

TEST_P(EngineTest, what_a_source_finds_out_is_what_the_item_is_called_from_then_on) {
  add({.name = "source.elsewhere", .role = Role::source}, [this](const Call&, std::stop_token) -> StepResult {
    Output out;
    Made made{"found.txt", "text/plain", staged("found")};
    out.value = file_json(made.file());
    out.value.get_object()["mime"] = "text/plain";
    out.files.push_back(std::move(made));
    return out;
  });
  const auto workflow = create(parsed(R"({"name":"n","type":"API","steps":[{"id":"in","uses":"source.elsewhere"},
      {"id":"m","uses":"map","with":{"output":"{{item.name}} {{item.file.size}}"}},{"id":"out","uses":"sink.response"}]})"))
                            .value();
  const auto execution = run(order(workflow, R"({"file_url":"https://a.test/x"})"));
  const auto got = items(execution);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].output, "found.txt 5") << got[0].error.value_or("");
  EXPECT_EQ(got[0].name, "found.txt");
  EXPECT_EQ(got[0].sha256, hex(sha256("found")));
}

TEST_P(EngineTest, a_leaf_runs_once_after_the_end_and_a_failure_of_it_changes_nothing) {
  std::vector<std::string> told;
  add({.name = "tells", .role = Role::leaf}, [&](const Call& call, std::stop_token) -> StepResult {
    told.push_back(call.ending->state + " " + std::to_string(call.ending->succeeded) + " attempt " +
                   std::to_string(call.attempt));
    auto fault = failed(fault::sink_failed, "Nobody answers.");
    fault.again = call.attempt < 3;
    return fault;
  });
  const auto telling = create(parsed(R"({"name":"n","type":"API","steps":[{"id":"in","uses":"source.request"},
      {"id":"out","uses":"sink.response"},{"id":"t","uses":"tells"}]})"))
                           .value();
  const auto execution = run(order(telling));
  EXPECT_EQ(execution.state, State::completed);
  EXPECT_THAT(told, ElementsAre("COMPLETED 1 attempt 1"));
  for (int i = 0; i < 5; ++i) {
    clock.advance(std::chrono::seconds(60));
    run_all();
  }
  EXPECT_EQ(told.size(), 3u);
  EXPECT_EQ(now(execution).state, State::completed);
  EXPECT_EQ(items(execution).size(), 1u);
  const auto cancelled = accept(order(telling)).value();
  EXPECT_TRUE(write([&](sql::Tx& tx) { return executions_->cancel(tx, cancelled); }));
  run_all();
  EXPECT_EQ(told.back(), "STOPPED 0 attempt 1");
}

class Lister final : public StepKind {
 public:
  explicit Lister(std::vector<std::string> names) : names_(std::move(names)) {
    about_.name = "source.list";
    about_.role = Role::source;
    about_.with = {{"type", "object"}};
  }
  const About& about() const override { return about_; }
  bool lists() const override { return true; }
  ListResult list(const Call&, std::stop_token) override {
    Listed out;
    for (const auto& name : names_) {
      if (name == "FAIL") return failed(fault::fetch_failed, "The folder cannot be read.");
      Item item;
      item.name = name;
      item.url = name;
      out.items.push_back(std::move(item));
    }
    return out;
  }
  StepResult run(const Call& call, std::stop_token) override {
    return testing::gives(json::Object{{"name", call.item.name}});
  }

 private:
  About about_;
  std::vector<std::string> names_;
};

class ListingTest : public testing::WorkflowsTest {
 protected:
  Execution listed(std::vector<std::string> names, std::int64_t price = 0) {
    catalogue.add(std::make_unique<Lister>(std::move(names)));
    add(
        {.name = "paid", .lasting = true}, [](const Call&, std::stop_token) { return gives(1); }, price);
    const auto workflow = create(parsed(R"({"name":"n","type":"API","steps":[{"id":"in","uses":"source.list"},
        {"id":"p","uses":"paid"},{"id":"out","uses":"sink.response","with":{"value":"{{item.name}}"}}]})"))
                              .value();
    const auto execution = accept(order(workflow)).value();
    run_all();
    return now(execution);
  }
};

TEST_P(ListingTest, each_thing_that_a_connector_lists_is_an_item) {
  const auto execution = listed({"a", "b", "c"});
  EXPECT_EQ(execution.state, State::completed);
  EXPECT_EQ(execution.items, 3);
  std::vector<std::string> outputs;
  for (const auto& item : items(execution)) outputs.emplace_back(item.output.get_string());
  EXPECT_THAT(outputs, ElementsAre("a", "b", "c"));
}

TEST_P(ListingTest, a_late_listing_changes_nothing) {
  catalogue.add(std::make_unique<Lister>(std::vector<std::string>{"a"}));
  const auto workflow = create(parsed(R"({"name":"n","type":"API","steps":[{"id":"in","uses":"source.list"},
      {"id":"out","uses":"sink.response"}]})"))
                            .value();
  const auto execution = accept(order(workflow)).value();
  const auto late = write([&](sql::Tx& tx) { return work_->claim(tx, "dead", std::chrono::seconds(30)); }).at(0);
  const auto listing = read([&](sql::Tx& tx) { return work_->load(tx, late); }).value();
  clock.advance(std::chrono::seconds(31));
  write([&](sql::Tx& tx) { return work_->reclaim(tx); });
  ASSERT_TRUE(runner_->run_one());
  Item item;
  item.name = "late";
  EXPECT_FALSE(write([&](sql::Tx& tx) { return work_->listed(tx, late, listing, {{"in", {item, item}}}, {}); }));
  EXPECT_EQ(now(execution).items, 1);
  run_all();
  EXPECT_EQ(now(execution).state, State::completed);
}

TEST_P(ListingTest, a_connector_that_lists_nothing_completes_with_nothing) {
  const auto execution = listed({});
  EXPECT_EQ(execution.state, State::completed);
  EXPECT_TRUE(items(execution).empty());
}

TEST_P(ListingTest, a_connector_that_cannot_list_is_an_error_with_the_reason) {
  const auto execution = listed({"FAIL"});
  EXPECT_EQ(execution.state, State::error);
  EXPECT_EQ(execution.error, "in: fetch_failed: The folder cannot be read.");
}

TEST_P(ListingTest, items_that_cannot_be_paid_fail_alone) {
  const auto execution = listed({"a", "b", "c"}, 400'000);
  EXPECT_EQ(execution.state, State::completed);
  EXPECT_EQ(execution.succeeded, 2);
  EXPECT_THAT(items(execution)[2].error.value(), StartsWith("in: insufficient_credits: "));
  EXPECT_EQ(balance().micros, 200'000);
  EXPECT_EQ(held().micros, 0);
}

INSTANTIATE_TEST_SUITE_P(Engines, ListingTest, ::testing::ValuesIn(sql::testing::engines), sql::testing::engine_name);

INSTANTIATE_TEST_SUITE_P(Engines, EngineTest, ::testing::ValuesIn(sql::testing::engines), sql::testing::engine_name);

}  // namespace
}  // namespace toll::workflows
