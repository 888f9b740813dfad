// The use case over both databases: who may, what it costs, what comes back when it fails.
#include "inference/inference.h"

#include <future>

#include "inference/tests/doubling.h"
#include "models/tests/fixture.h"

namespace toll::inference {
namespace {

using models::testing::RegistryTest;
using testing::floats;

class InferenceTest : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    if (IsSkipped()) return;
    start();
    seller = account();
    model(seller, "acme/tiny", true, models::Card{.engine = "onnx"});
    version(seller, "acme/tiny", "v1");
    upload(seller, "acme/tiny", "v1", "model.onnx", "the network");
    buyer = account();
    write([&](sql::Tx& tx) { return ledger.grant(tx, buyer.account, {5000}, "Gift", "gift"), true; });
  }
  void TearDown() override {
    inference.reset();
    RegistryTest::TearDown();
  }
  void start() {
    Inference::Options options;
    options.pool.make_runner = [this] { return std::make_unique<testing::DoublingRunner>(shared); };
    options.pool.output_bytes = 1 << 20;
    options.places = {.calls = 10, .calls_of_account = 10, .bytes = 1 << 20, .bytes_of_account = 1 << 20};
    options.input_bytes = 1 << 20;
    options.price = {1000};
    options.prices["acme/dear"] = {9000};
    serving.emplace(clock, catalogue, *store_);
    inference.emplace(*db_, *store_, *serving, ledger, random, options);
  }
  Result<Target> resolve(const models::Viewer& viewer, std::string_view repo) {
    return read([&](sql::Tx& tx) { return inference->resolve(tx, viewer, repo); });
  }
  Call call(const std::vector<float>& values = {1, 2}) {
    return {inference->enter(buyer.account).value(),
            resolve(buyer, "acme/tiny").value(),
            {floats("x", {static_cast<std::int64_t>(values.size()) / 2, 2}, values)},
            {},
            -1};
  }
  std::int64_t balance() {
    return read([&](sql::Tx& tx) { return ledger.balance(tx, buyer.account).micros; });
  }
  std::int64_t held() {
    return read([&](sql::Tx& tx) { return ledger.held(tx, buyer.account).micros; });
  }

  metering::Ledger ledger{clock};
  std::optional<models::ModelServing> serving;
  testing::Doubling shared;
  std::optional<Inference> inference;
  models::Viewer seller, buyer;
};

TEST_P(InferenceTest, a_call_is_paid_when_its_outputs_are_there) {
  const auto answer = inference->run(call());
  ASSERT_TRUE(answer);
  EXPECT_EQ(testing::values_of(answer->outputs.front()), (std::vector<float>{2, 4}));
  EXPECT_EQ(answer->target.version, "v1");
  EXPECT_EQ(balance(), 4000);
  EXPECT_EQ(held(), 0);
  const auto history = read([&](sql::Tx& tx) { return ledger.history(tx, buyer.account, 1); });
  EXPECT_EQ(history.front().description, "Inference: acme/tiny v1 (model.onnx)");
  EXPECT_EQ(history.front().reference, answer->id);
}

TEST_P(InferenceTest, a_call_that_fails_costs_nothing) {
  shared.refused = 7;
  EXPECT_EQ(inference->run(call({7, 7})).error().reason(), Reason::model_unusable);
  EXPECT_EQ(balance(), 5000);
  EXPECT_EQ(held(), 0);
}

TEST_P(InferenceTest, inputs_that_do_not_fit_touch_no_money) {
  auto wrong = call();
  wrong.inputs.front().name = "z";
  EXPECT_EQ(inference->run(std::move(wrong)).error().reason(), Reason::invalid_request);
  EXPECT_EQ(read([&](sql::Tx& tx) { return ledger.history(tx, buyer.account, 9); }).size(), 1u);
}

TEST_P(InferenceTest, who_cannot_pay_does_not_run) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(inference->run(call()));
  const int runs = shared.runs;
  EXPECT_EQ(inference->run(call()).error().reason(), Reason::insufficient_credits);
  EXPECT_EQ(shared.runs, runs);
  EXPECT_EQ(balance(), 0);
}

TEST_P(InferenceTest, what_cannot_be_kept_is_not_paid) {
  const auto answer = inference->run(
      call(), [](const Answer&) { return [](sql::Tx&) -> Result<void> { return Reason::idempotency_running; }; });
  EXPECT_EQ(answer.error().reason(), Reason::idempotency_running);
  EXPECT_EQ(balance(), 5000);
  EXPECT_EQ(held(), 0);
}

TEST_P(InferenceTest, calls_at_once_never_promise_more_than_there_is) {
  shared.hold();
  std::vector<std::future<Result<Answer>>> calls;
  for (int i = 0; i < 6; ++i) calls.push_back(std::async(std::launch::async, [&] { return inference->run(call()); }));
  const auto one_is_refused = [&] {
    return std::ranges::any_of(
        calls, [](auto& one) { return one.wait_for(std::chrono::milliseconds(1)) == std::future_status::ready; });
  };
  while (!one_is_refused()) std::this_thread::yield();
  EXPECT_EQ(balance(), 5000);
  shared.release();
  int paid = 0;
  for (auto& one : calls) {
    const auto answer = one.get();
    paid += answer.has_value();
    if (!answer) {
      EXPECT_EQ(answer.error().reason(), Reason::insufficient_credits);
    }
  }
  EXPECT_EQ(paid, 5);
  EXPECT_EQ(balance(), 0);
}

TEST_P(InferenceTest, what_is_spent_elsewhere_meanwhile_is_not_spent_twice) {
  shared.hold();
  auto running = std::async(std::launch::async, [&] { return inference->run(call()); });
  {
    std::unique_lock lock(shared.mutex);
    shared.changed.wait(lock, [&] { return shared.waiting > 0; });
  }
  ASSERT_TRUE(write([&](sql::Tx& tx) { return ledger.hold(tx, buyer.account, {5000}, "A job", "job-1"); }));
  shared.release();
  const auto answer = running.get();
  ASSERT_FALSE(answer) << "no outputs without payment";
  EXPECT_EQ(answer.error().reason(), Reason::insufficient_credits);
  EXPECT_EQ(balance(), 0);
  EXPECT_EQ(held(), 5000);
}

TEST_P(InferenceTest, a_call_that_has_ended_keeps_nothing_aside) {
  shared.refused = 7;
  for (int i = 0; i < 9; ++i) EXPECT_EQ(inference->run(call({7, 7})).error().reason(), Reason::model_unusable);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(inference->run(call()));
  EXPECT_EQ(balance(), 0);
}

TEST_P(InferenceTest, a_model_that_is_not_seen_is_like_one_that_is_not_there) {
  model(seller, "acme/secret", false, models::Card{.engine = "onnx"});
  version(seller, "acme/secret", "v1");
  upload(seller, "acme/secret", "v1", "model.onnx", "the secret network");
  EXPECT_TRUE(resolve(seller, "acme/secret"));
  EXPECT_EQ(resolve(buyer, "acme/secret").error().reason(), Reason::model_not_found);
  EXPECT_EQ(resolve(buyer, "acme/nothing").error().reason(), Reason::model_not_found);
}

TEST_P(InferenceTest, what_was_resolved_runs_whatever_an_alias_points_to_now) {
  const auto then = resolve(buyer, "acme/tiny").value();
  version(seller, "acme/tiny", "v2");
  upload(seller, "acme/tiny", "v2", "model.onnx", "a newer network");
  auto pinned = call();
  pinned.target =
      read([&](sql::Tx& tx) { return inference->recorded(tx, then.repo_id, then.version, then.digest, ""); }).value();
  ASSERT_TRUE(inference->run(std::move(pinned)));
  EXPECT_EQ(shared.loaded.count(then.file_sha256()), 1u);
}

TEST_P(InferenceTest, a_file_that_has_gone_is_said_and_costs_nothing) {
  auto gone = call();
  ASSERT_TRUE(store_->remove(gone.target.file.digest));
  EXPECT_EQ(inference->run(std::move(gone)).error().reason(), Reason::model_unusable);
  EXPECT_EQ(balance(), 5000);
}

TEST_P(InferenceTest, some_models_have_a_price_of_their_own) {
  EXPECT_EQ(inference->price_of("acme/dear").micros, 9000);
  EXPECT_EQ(inference->price_of("acme/tiny").micros, 1000);
}

INSTANTIATE_TEST_SUITE_P(Engines, InferenceTest, ::testing::ValuesIn(sql::testing::engines), sql::testing::engine_name);

}  // namespace
}  // namespace toll::inference
