// A house for workflows: a database of each engine, a folder store, a clock that stands still, money, and a catalogue
// that a test fills.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "blob/folder_store.h"
#include "sql/testing/databases.h"
#include "workflows/definitions.h"
#include "workflows/executions.h"
#include "workflows/runner.h"
#include "workflows/work.h"

namespace toll::workflows::testing {

// A step that does what the test says.
class Scripted final : public StepKind {
 public:
  using Script = std::function<StepResult(const Call&, std::stop_token)>;
  Scripted(About about, Script script, std::int64_t price = 0)
      : about_(std::move(about)), script_(std::move(script)), price_(price) {
    if (about_.with.empty()) about_.with = {{"type", "object"}};
  }
  const About& about() const override { return about_; }
  metering::Credits price(const Pinning&) const override { return {price_}; }
  StepResult run(const Call& call, std::stop_token stop) override { return script_(call, std::move(stop)); }

 private:
  About about_;
  Script script_;
  std::int64_t price_;
};

inline StepResult gives(json::Value value) {
  Output out;
  out.value = std::move(value);
  return out;
}

class WorkflowsTest : public ::testing::TestWithParam<sql::Engine> {
 protected:
  void SetUp() override {
    TOLL_SKIP_WITHOUT(GetParam());
    db_ = sql::testing::fresh_database(GetParam());
    folder_ = std::filesystem::temp_directory_path() / ("tollhouse-workflows-" + SystemRandom().uuid4());
    store_ = blob::open_folder_store(folder_);
    sweeper_.emplace(*db_, *store_, clock, objects::Sweeper::Options{});
    executions_.emplace(*db_, definitions, ledger, objects, *store_, *sweeper_, signals, clock, random,
                        Executions::Options{});
    work_.emplace(definitions, ledger, objects, executions_->endings(), signals, clock, random);
    runner_ = make_runner();
    add({.name = "source.request", .role = Role::source, .gives = {Media::any}}, [](const Call& call, std::stop_token) {
      json::Object out{{"name", call.item.name}, {"sha256", call.item.sha256}};
      if (call.item.text) out["text"] = *call.item.text;
      if (call.item.data) out["data"] = *call.item.data;
      return gives(std::move(out));
    });
    add({.name = "sink.response", .role = Role::sink}, [](const Call& call, std::stop_token) {
      const auto* value = call.with.if_contains("value");
      return gives(value ? *value : call.before.front().value);
    });
    add({.name = "map", .gives = {Media::data}},
        [](const Call& call, std::stop_token) { return gives(call.with.at("output")); });
    give_credits(1'000'000);
  }
  void TearDown() override {
    runner_.reset();
    work_.reset();
    executions_.reset();
    sweeper_.reset();
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::unique_ptr<Runner> make_runner(std::string worker = "test") {
    return std::make_unique<Runner>(*db_, *executions_, signals, *work_, *store_, clock, random,
                                    Runner::Options{.worker = std::move(worker)});
  }
  template <class F>
  auto write(F f) {
    return db_->write(f);
  }
  template <class F>
  auto read(F f) {
    return db_->read(f);
  }

  void add(About about, Scripted::Script script, std::int64_t price = 0) {
    catalogue.add(std::make_unique<Scripted>(std::move(about), std::move(script), price));
  }
  void give_credits(std::int64_t micros) {
    write([&](sql::Tx& tx) {
      ledger.grant(tx, payer, {micros}, "test", "test");
      return true;
    });
  }
  metering::Credits balance() {
    return read([&](sql::Tx& tx) { return ledger.balance(tx, payer); });
  }
  metering::Credits held() {
    return read([&](sql::Tx& tx) { return ledger.held(tx, payer); });
  }

  static json::Object parsed(std::string_view text) { return json::parse(text).value().get_object(); }
  // A workflow of these steps, as JSON; ends in sink.response.
  static json::Object document(std::string_view steps, std::string_view more = "") {
    return parsed(R"({"name":"test","type":"API","steps":[{"id":"in","uses":"source.request"},)" + std::string(steps) +
                  R"({"id":"out","uses":"sink.response"}])" + std::string(more) + "}");
  }
  Result<Workflow> create(const json::Object& document) {
    return write([&](sql::Tx& tx) { return definitions.create(tx, owner, document); });
  }
  // "code path" of every problem.
  std::vector<std::string> problems(const json::Object& document) {
    const auto checked = read([&](sql::Tx& tx) { return definitions.validate(tx, owner, document); });
    std::vector<std::string> out;
    if (!checked)
      for (const auto& problem : checked.error().problems()) out.push_back(problem.code + " " + to_text(problem.path));
    return out;
  }
  Order order(const Workflow& workflow, std::string_view input = "{}") {
    Order out;
    out.organisation = owner.organisation;
    out.deployment = DeploymentId("deployment");
    out.payer = payer;
    out.workflow = workflow.id;
    out.input_data = parsed(input);
    return out;
  }
  std::shared_ptr<blob::Staged> staged(std::string_view bytes) {
    auto writer = store_->create().value();
    EXPECT_TRUE(writer->write(as_span(bytes)));
    return writer->finish().value();
  }
  Result<Execution> accept(const Order& order) {
    auto prepared = executions_->prepare(order);
    if (!prepared) return std::move(prepared).error();
    return write([&](sql::Tx& tx) { return executions_->accept(tx, *prepared); });
  }
  Execution now(const Execution& execution) {
    return read([&](sql::Tx& tx) { return executions_->find(tx, execution.deployment, execution.id); }).value();
  }
  std::vector<ItemResult> items(const Execution& execution) {
    return read([&](sql::Tx& tx) { return executions_->items(tx, now_in(tx, execution), true); }).value();
  }
  // Everything that waits, on this thread.
  void run_all() {
    while (runner_->run_one()) {
    }
  }

  TestClock clock;
  SystemRandom random;
  metering::Ledger ledger{clock};
  objects::Objects objects{clock, random};
  Secrets secrets{"a secret of the server", clock};
  Catalogue catalogue;
  Definitions definitions{catalogue, secrets, clock, random, {}};
  Signals signals;
  AccountId payer{7};
  Owner owner{OrganisationId("organisation"), payer};
  sql::testing::Fresh db_;
  std::filesystem::path folder_;
  std::unique_ptr<blob::Store> store_;
  std::optional<objects::Sweeper> sweeper_;
  std::optional<Executions> executions_;
  std::optional<Work> work_;
  std::unique_ptr<Runner> runner_;

 private:
  Execution now_in(sql::Tx& tx, const Execution& execution) {
    return executions_->find(tx, execution.deployment, execution.id).value();
  }
};

}  // namespace toll::workflows::testing
