#include "tollhouse/deployments.h"

#include <map>

#include "deployments/usage.h"

namespace toll::app {

namespace {

// Half of them may fetch files at a time.
constexpr std::size_t preparing_threads = 2 * deployed::most_fetching;

// What all steps of an execution used, by model.
std::vector<workflows::ModelUse> models_of(const std::vector<workflows::ItemResult>& items) {
  std::map<std::string, workflows::ModelUse> sums;
  for (const auto& item : items)
    for (const auto& step : item.steps)
      for (const auto& use : step.models) {
        auto& sum = sums[use.model];
        sum.model = use.model;
        sum.calls += use.calls;
        sum.prompt_tokens += use.prompt_tokens;
        sum.completion_tokens += use.completion_tokens;
        sum.embedding_tokens += use.embedding_tokens;
      }
  std::vector<workflows::ModelUse> out;
  for (auto& [name, sum] : sums) out.push_back(std::move(sum));
  return out;
}

}  // namespace

Deployments::Deployments(Foundation& base, Workshop& workshop, Workflows& workflows, const api::Core& server,
                         const config::Settings& settings)
    : organisations(base.clock, base.random),
      keys(base.clock, base.random, base.cache, base.secrets.keys),
      deployments(base.clock, base.random),
      calls(base.clock),
      egress(egress::Guard(settings.egress.allow)),
      preparing(preparing_threads),
      core{server.db,    server.gate,     server.idempotency, server.store,
           server.clock, server.blocking, preparing,          server.disk},
      house{*base.db,
            base.clock,
            organisations,
            keys,
            deployments,
            calls,
            workflows.definitions,
            workflows.secrets,
            workflows.executions,
            workshop.urls,
            *workshop.store,
            egress,
            settings.deployments.presigned_hosts,
            settings.server.public_url,
            settings.server.cors_origins,
            TOLL_VERSION,
            base.db->engine() == sql::Engine::postgres,
            room,
            bodies,
            fetching} {
  workflows.definitions.asks([this](sql::Tx& tx, const workflows::WorkflowId& id) { return deployments.uses(tx, id); });
  workflows.executions.counts([&executions = workflows.executions](sql::Tx& tx, const workflows::Execution& ended) {
    const auto items = executions.items(tx, ended);
    deployments::count_run(tx, ended, items ? models_of(*items) : std::vector<workflows::ModelUse>());
  });
  base.leaving.push_back([&definitions = workflows.definitions](sql::Tx& tx, AccountId account) {
    for (const auto& row : tx.query("SELECT id FROM organisations WHERE owner_id = $1", account)) {
      const workflows::OrganisationId organisation(row.text(0));
      tx.exec("DELETE FROM deployments WHERE organisation_id = $1", organisation);
      definitions.secrets().remove_all(tx, organisation);
      definitions.remove_all(tx, organisation);
    }
  });
}

void Deployments::tidy(sql::Tx& tx, Time now) const {
  calls.purge(tx);
  deployments::purge_usage(tx, now);
}

}  // namespace toll::app
