#include "tollhouse/workflows.h"

#include "jobs/worker.h"
#include "workflows/steps/absent.h"
#include "workflows/steps/basic.h"
#include "workflows/steps/files.h"
#include "workflows/steps/model.h"
#include "workflows/steps/notify.h"
#include "workflows/steps/separate.h"
#include "workflows/steps/types.h"

namespace toll::app {

namespace {

namespace steps = workflows::steps;

workflows::Definitions::Options definition_options(const config::Workflows& settings) {
  return {.caps = {settings.max_file_mb, settings.max_files, settings.max_timeout.count()}};
}

workflows::Runner::Options runner_options(const config::Workflows& settings, Random& random) {
  return {.workers = static_cast<std::size_t>(settings.workers), .worker = jobs::this_worker(random)};
}

}  // namespace

Workflows::Workflows(Foundation& base, Workshop& workshop, const config::Settings& settings)
    : outside(settings),
      secrets(base.secrets.keys, base.clock),
      definitions(catalogue, secrets, base.clock, base.random, definition_options(settings.workflows)),
      executions(*base.db, definitions, base.ledger, workshop.objects, *workshop.store, workshop.sweeper, signals,
                 base.clock, base.random, {.history = std::chrono::hours(24 * settings.workflows.history_days)}),
      work(definitions, base.ledger, workshop.objects, executions.endings(), signals, base.clock, base.random),
      files(workshop.objects, base.clock),
      runner(*base.db, executions, signals, work, *workshop.store, base.clock, base.random,
             runner_options(settings.workflows, base.random)) {
  catalogue.add(steps::make_source_request(steps::type_of, [this](const workflows::Call& call, std::stop_token stop) {
    return steps::fetch_item(outside.client, call, {}, steps::type_of, std::move(stop));
  }));
  catalogue.add(steps::make_transform_map());
  catalogue.add(steps::make_validate_schema());
  catalogue.add(steps::make_sink_response());
  outside.add_to(catalogue, base.clock);
  catalogue.add(steps::make_notify_webhook(outside.client, base.clock));
  workshop.key_spaces.add(files);
  base.leaving.push_back([this](sql::Tx& tx, AccountId account) { executions.remove_payer(tx, account); });
}

void Workflows::equip(Foundation& base, Workshop& workshop, const Stems& stems, const Registry& registry,
                      Inference& inference) {
  catalogue.add(
      steps::make_media_separate({*base.db, workshop.separations, stems.models, workshop.queue, workshop.objects}));
  steps::ModelNeeds model{*base.db, inference.models, {}, inference.house.can_run};
  model.viewer = [&registry](sql::Tx& tx, AccountId account) {
    const auto user = registry.users.find(tx, account);
    return models::Viewer{account, user ? user->role : identity::Role::developer};
  };
  catalogue.add(steps::make_registry_model(std::move(model)));
  steps::add_absent_steps(catalogue);
}

}  // namespace toll::app
