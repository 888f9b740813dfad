#include "surfaces/deployments/run.h"

#include <algorithm>

#include "api/input.h"
#include "base/text.h"
#include "surfaces/deployments/fetch.h"
#include "surfaces/deployments/page.h"

namespace toll::deployed {

namespace {

// How often the end is looked for where other processes make it.
constexpr std::chrono::milliseconds look{500};

void wait_on(Call& call, Run& run) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(run.give_up - call.house.clock.now());
  if (left.count() <= 0 || run.execution->ended()) return;
  call.linger = api::Linger{call.house.others_work ? std::min(look, left) : left,
                            [waiting = run.waiting](std::function<void()> wake) { waiting->arm(std::move(wake)); }};
}

}  // namespace

void Waiting::listen(workflows::Executions& executions, const workflows::ExecutionId& id) {
  handle_ = executions.on_end(id, [state = state_] {
    std::function<void()> wake;
    {
      std::lock_guard lock(state->mutex);
      state->ended = true;
      wake = state->wake;
    }
    if (wake) wake();
  });
}

void Waiting::arm(std::function<void()> wake) {
  bool ended = false;
  {
    std::lock_guard lock(state_->mutex);
    state_->wake = wake;
    ended = state_->ended;
  }
  if (ended) wake();
}

Result<void> prepare_run(const House& house, const Entry& entry, Run& run) {
  auto order = order_of(entry.deployment, ReadOrder(run.order));
  if (!run.order.presigned_urls.empty()) {
    auto fetched = TOLL_TRY(fetch_presigned(run.order.presigned_urls, {house.egress, house.store, house.presigned_hosts,
                                                                       house.public_url, entry.most_bytes}));
    std::move(fetched.begin(), fetched.end(), std::back_inserter(order.files));
  }
  run.prepared = TOLL_TRY(house.executions.prepare(std::move(order)));
  return {};
}

// May run more than once: what an earlier run left is replaced.
Result<void> accept_run(Call& call, const Entry& entry, Run& run) {
  run.execution = TOLL_TRY(call.house.executions.accept(call.tx(), *run.prepared));
  call.house.deployments.note_run(call.tx(), entry.deployment.id);
  if (run.order.timeout <= 0) return {};
  // Before the commit, so that no end is missed.
  run.waiting = std::make_shared<Waiting>();
  run.waiting->listen(call.house.executions, run.execution->id);
  run.give_up = call.house.clock.now() + std::chrono::seconds(run.order.timeout);
  wait_on(call, run);
  return {};
}

Result<void> look_again(Call& call, const deployments::Deployment& deployment, Run& run) {
  run.execution = TOLL_TRY(call.house.executions.find(call.tx(), deployment.id, run.execution->id));
  wait_on(call, run);
  return {};
}

json::Value result_of(Call& call, const workflows::Execution& execution, const Include& include) {
  if (!execution.ended()) return nullptr;
  const auto items = call.house.executions.items(call.tx(), execution, include.text);
  if (!items) return nullptr;
  return items_json(execution, *items, include, {call.house.urls, origin_of(call.request, call.house.public_url)});
}

Result<Include> include_of(const Call& call) {
  json::Object spelled;
  for (const auto& [name, value] : api::parse_urlencoded(call.request.query)) spelled[name] = value;
  Fields fields(spelled, true);
  Include out;
  out.metadata = fields.boolean("include_metadata").value_or(false);
  out.metrics = fields.boolean("include_metrics").value_or(false);
  out.text = fields.boolean("include_extracted_text").value_or(false);
  TOLL_TRY(std::move(fields).done());
  return out;
}

Result<workflows::Execution> execution_of(Call& call, const deployments::Deployment& deployment, std::string_view id) {
  const auto plain = uuid(id);
  if (!plain) return Reason::execution_not_found;
  return call.house.executions.find(call.tx(), deployment.id, workflows::ExecutionId(*plain));
}

}  // namespace toll::deployed
