#include "surfaces/deployments/run.h"

#include <algorithm>

#include "api/input.h"
#include "base/text.h"
#include "surfaces/deployments/fetch.h"
#include "surfaces/deployments/page.h"

namespace toll::deployed {

namespace {

// How often the end is looked for where other processes make it.
constexpr std::chrono::milliseconds look{1000};

void wait_on(Call& call, Run& run) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(run.give_up - call.house.clock.now());
  if (left.count() <= 0 || run.execution->ended() || !run.waiting || call.house.room.closed()) return;
  call.linger = api::Linger{call.house.others_work ? std::min(look, left) : left,
                            [waiting = run.waiting](std::function<void()> wake) { waiting->arm(std::move(wake)); }};
}

}  // namespace

Result<void> prepare_run(const House& house, const Entry& entry, Run& run) {
  auto order = order_of(entry.deployment, std::move(run.order));
  if (!run.order.presigned_urls.empty()) {
    Budget::Share turn(house.fetching);
    if (!turn.grow_to(1)) return Fault(Reason::overloaded).retry_after(std::chrono::seconds(1));
    auto fetched = TOLL_TRY(fetch_presigned(run.order.presigned_urls, {house.egress, house.store, house.presigned_hosts,
                                                                       house.public_url, entry.most_bytes}));
    std::move(fetched.begin(), fetched.end(), std::back_inserter(order.files));
  }
  run.prepared = TOLL_TRY(house.executions.prepare(std::move(order)));
  return {};
}

// May run more than once: what an earlier run left is replaced.
Result<void> accept_run(Call& call, const Entry& entry, Run& run) {
  // Its body may have taken long: whoever deleted or switched off the deployment meanwhile meant this call too.
  const auto now = call.house.deployments.find(call.tx(), entry.deployment.organisation, entry.deployment.id);
  if (!now) return Reason::bad_key;
  if (!now->settings.active) return Reason::api_inactive;
  run.execution = TOLL_TRY(call.house.executions.accept(call.tx(), *run.prepared));
  call.house.deployments.note_run(call.tx(), entry.deployment.id);
  if (run.order.timeout <= 0) return {};
  // Before the commit, so that no end is missed.
  run.waiting = call.house.room.enter(call.house.executions, run.execution->id);
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
